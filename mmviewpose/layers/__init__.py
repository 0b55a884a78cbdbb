"""Plain PyTorch modules: nothing here knows about OpenMMLab."""
from .tree_rnn import STRUCTURES, SeBiReNet, TreePlan, TreeSubnet

__all__ = ['STRUCTURES', 'SeBiReNet', 'TreePlan', 'TreeSubnet']
