"""What a skeleton is: joint names, parents, left-right pairs, parts, layouts and remapping."""
from .heading import heading
from .layouts import LAYOUTS, get_skeleton
from .partition import PARTITIONS, partition
from .remap import remap, remap_matrix
from .skeleton import Skeleton

__all__ = ['LAYOUTS', 'PARTITIONS', 'Skeleton', 'get_skeleton', 'heading', 'partition', 'remap',
           'remap_matrix']
