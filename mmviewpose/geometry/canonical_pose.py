"""Poses that say neither where somebody stands nor where they face (R. Mitra et al.,
"Multiview-consistent semi-supervised learning for 3D human pose estimation", 2020, Sec. 3.2.1)."""
from typing import Tuple

import torch
from torch import Tensor

from .rotation import turn_plane, vertical_axis


def canonical_angle(poses: Tensor, root: int, left_hip: int, up: str = '+y') -> Tensor:
    """How far each pose has to be turned about the vertical to be canonical: theta of Eq. 3.

    The paper takes the arc cosine, which loses the sign: right for hips on one side only. Here it
    is the arc tangent of both components.

    Args:
        poses: ``(..., K, 3)``, any unit.
        root: Joint that the pose is about.
        left_hip: Joint that says where the person faces.
        up: Vertical axis, one of ``'+x' '-x' '+y' '-y' '+z' '-z'``.

    Returns:
        Radians about ``up``, counter-clockwise seen from above, ``(...)``; 0 where the hip is
        straight above or below the root, or there.

    Raises:
        ValueError: ``up`` is unknown.
    """
    return _horizontal_plane(up)[2] * _plane_angle(poses, root, left_hip, up)


def canonical_pose(poses: Tensor, root: int, left_hip: int, up: str = '+y') -> Tensor:
    """Poses about their root, turned about the vertical so that the left hip is over the positive
    side of one horizontal axis (Eq. 3).

    That axis is x, or y where x is the vertical: the hip has no y with z up, as the paper has it,
    and no z with y up, where somebody upright then faces +z (:func:`mmviewpose.skeletons.heading`).
    No turn about the vertical and no translation changes the result. Where the hip is straight
    above or below the root, or there, the pose is not turned.

    Args:
        poses, root, left_hip, up: As for :func:`canonical_angle`.

    Returns:
        ``(..., K, 3)``, the root at 0.

    Raises:
        ValueError: ``up`` is unknown.
    """
    first, second, _ = _horizontal_plane(up)
    angle = _plane_angle(poses, root, left_hip, up).unsqueeze(-1)
    parts = list((poses - poses[..., root, None, :]).unbind(-1))
    parts[first], parts[second] = turn_plane(parts[first], parts[second], angle)
    return torch.stack(parts, -1)


def _horizontal_plane(up: str) -> Tuple[int, int, float]:
    """Two horizontal axes, and the sign of a turn from the first to the second about ``up``."""
    vertical, sign = vertical_axis(up)
    first, second = [axis for axis in range(3) if axis != vertical]
    return first, second, -sign if vertical == 1 else sign  # z, x, y is the right-handed order


def _plane_angle(poses: Tensor, root: int, left_hip: int, up: str) -> Tensor:
    """The angle ``(...)`` of :func:`~mmviewpose.geometry.rotation.turn_plane` that brings the
    hips onto the first horizontal axis."""
    first, second, _ = _horizontal_plane(up)
    hip = poses[..., left_hip, :] - poses[..., root, :] + 0.  # -0. would be the negative side
    return -torch.atan2(hip[..., second], hip[..., first])
