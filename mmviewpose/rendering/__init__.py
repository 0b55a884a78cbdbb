"""People of analytic capsules seen by pinhole cameras: depth, body parts, silhouettes, colour."""
from .cameras import Cameras, look_at
from .mirror import mirror_part_map
from .renderer import Rendering, render

__all__ = ['Cameras', 'Rendering', 'look_at', 'mirror_part_map', 'render']
