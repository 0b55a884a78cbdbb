"""Optimizers."""
from .autocast_wrapper import BFloat16OptimWrapper
from .parts_constructor import PartsOptimWrapperConstructor
from .stacked_muon import StackedMuon

__all__ = ['BFloat16OptimWrapper', 'PartsOptimWrapperConstructor', 'StackedMuon']
