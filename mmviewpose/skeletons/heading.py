"""Where a body faces."""
import numpy as np

from .skeleton import Skeleton


def heading(positions: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """Where the hips face, seen from above.

    Args:
        positions: ``(..., K, 3)``, y up, any unit.
        skeleton: Their layout, with both hips.

    Returns:
        Radians about +y, 0 for +z, ``(...)``.
    """
    side = (positions[..., skeleton.index('left_hip'), :]
            - positions[..., skeleton.index('right_hip'), :])
    return np.arctan2(-side[..., 2], side[..., 0])
