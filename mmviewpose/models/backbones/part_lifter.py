"""The networks of :mod:`mmviewpose.layers.part_lifter` for configs."""
from mmviewpose.layers.part_lifter import PartLifter, PoseCritic
from mmviewpose.registry import MODELS

MODELS.register_module(module=PartLifter)
MODELS.register_module(module=PoseCritic)
