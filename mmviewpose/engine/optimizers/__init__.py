"""Optimizers."""
from .parts_constructor import PartsOptimWrapperConstructor
from .stacked_muon import StackedMuon

__all__ = ['PartsOptimWrapperConstructor', 'StackedMuon']
