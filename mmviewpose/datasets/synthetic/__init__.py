"""Built-in people: data for tests, demos and configs whose recordings are missing."""
from .people import ACTIONS, Bodies, synthetic_clips, synthetic_poses

__all__ = ['ACTIONS', 'Bodies', 'synthetic_clips', 'synthetic_poses']
