"""Optimizers."""
from .stacked_muon import StackedMuon

__all__ = ['StackedMuon']
