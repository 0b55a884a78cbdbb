"""From a canonical pose to the pose that a view sees."""
from torch import Tensor

from .rotation import euler_to_matrix, rotate


def pose_in_view(canonical: Tensor, angles: Tensor, translation: Tensor) -> Tensor:
    """Turn canonical pose features into a view and move them to their place in it.

    ``P_view = R P + T`` with ``R = Rz Ry Rx`` (F. Sardari et al., "Unsupervised view-invariant
    human posture representation", Sec. 3). In the view x points right and y down, as in the image,
    both in units of half the image's side.

    Args:
        canonical: Canonical pose features, ``(..., N, 3)``.
        angles: Radians about x, y and z, ``(..., 3)``.
        translation: ``(..., 3)``.

    Returns:
        View-specific pose features, ``(..., N, 3)``.
    """
    return rotate(canonical, euler_to_matrix(angles)) + translation.unsqueeze(-2)
