"""What a skeleton is: joint names, parents, left-right pairs, parts, layouts and remapping."""
from .layouts import LAYOUTS, get_skeleton
from .remap import remap, remap_matrix
from .skeleton import Skeleton

__all__ = ['LAYOUTS', 'Skeleton', 'get_skeleton', 'remap', 'remap_matrix']
