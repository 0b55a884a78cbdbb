"""Plain PyTorch modules: nothing here knows about OpenMMLab."""
from .part_lifter import PartLifter, PoseCritic
from .tree_rnn import STRUCTURES, SeBiReNet, TreePlan, TreeSubnet

__all__ = ['STRUCTURES', 'PartLifter', 'PoseCritic', 'SeBiReNet', 'TreePlan', 'TreeSubnet']
