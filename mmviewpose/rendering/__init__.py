"""People of analytic capsules seen by pinhole cameras: depth, body parts, silhouettes, colour."""
from .cameras import Cameras, look_at
from .renderer import Rendering, render

__all__ = ['Cameras', 'Rendering', 'look_at', 'render']
