"""Rotations of points in space.

Conventions, pinned by ``tests/test_geometry/test_rotation.py``: right-handed axes, matrices act
on column vectors (``x' = R x``), positions are stored as rows ``(..., K, 3)``, so that
:func:`rotate` computes ``x R^T``; quaternions are ``(w, x, y, z)``; angles are radians unless the
name says degrees.
"""
import math
from typing import Optional, Tuple

import torch
from torch import Tensor

_UP_AXIS = {'x': 0, 'y': 1, 'z': 2}


def vertical_axis(up: str) -> Tuple[int, float]:
    """Number of the vertical axis and the sign of its upper end.

    Args:
        up: One of ``'+x' '-x' '+y' '-y' '+z' '-z'``.

    Raises:
        ValueError: If it is none of them.
    """
    if len(up) != 2 or up[0] not in '+-' or up[1] not in _UP_AXIS:
        raise ValueError(f"up must be a sign and an axis such as '+y', got {up!r}")
    return _UP_AXIS[up[1]], 1. if up[0] == '+' else -1.


def turn_plane(first: Tensor, second: Tensor, angle: Tensor) -> Tuple[Tensor, Tensor]:
    """Turn the plane of two components from the first to the second by ``angle``, radians:
    ``(c a - s b, s a + c b)``. All are of one shape or broadcast."""
    cosine, sine = angle.cos(), angle.sin()
    return cosine * first - sine * second, sine * first + cosine * second


def rotate(positions: Tensor, rotations: Tensor) -> Tensor:
    """Rotate points about the origin.

    Args:
        positions: Points, ``(..., K, 3)``, any unit.
        rotations: Matrices, ``(..., 3, 3)``, broadcast against the leading axes of ``positions``.

    Returns:
        ``R x`` for every point, ``(..., K, 3)`` in the unit of ``positions``.
    """
    return positions @ rotations.transpose(-1, -2)


def quaternion_to_matrix(quaternions: Tensor) -> Tensor:
    """Rotation matrices of quaternions.

    Args:
        quaternions: ``(..., 4)`` as ``(w, x, y, z)`` of any length but zero; they are normalised.

    Returns:
        ``(..., 3, 3)``.
    """
    w, x, y, z = torch.nn.functional.normalize(quaternions, dim=-1).unbind(-1)
    rows = [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
            2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
            2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]
    return torch.stack(rows, dim=-1).unflatten(-1, (3, 3))


def axis_angle_to_matrix(axes: Tensor, angles: Tensor) -> Tensor:
    """Rotation matrices about given axes.

    Args:
        axes: Unit vectors, ``(..., 3)``.
        angles: Radians, ``(...)``; positive turns counter-clockwise seen from the axis' tip.

    Returns:
        ``(..., 3, 3)``.
    """
    half = 0.5 * angles.unsqueeze(-1)
    return quaternion_to_matrix(torch.cat([half.cos(), half.sin() * axes], dim=-1))


def euler_to_matrix(angles: Tensor) -> Tensor:
    """Rotation matrices ``Rz Ry Rx`` of Euler angles: about x first, about z last.

    Args:
        angles: Radians about x, y and z, ``(..., 3)``, of any size.

    Returns:
        ``(..., 3, 3)``.
    """
    (cx, cy, cz), (sx, sy, sz) = angles.cos().unbind(-1), angles.sin().unbind(-1)
    rows = [cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx,
            sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx,
            -sy, cy * sx, cy * cx]
    return torch.stack(rows, dim=-1).unflatten(-1, (3, 3))


def random_rotations(n: int,
                     mode: str = 'so3',
                     tilt_degrees: float = 0.,
                     up: str = '+y',
                     generator: Optional[torch.Generator] = None,
                     dtype: Optional[torch.dtype] = None,
                     device: Optional[torch.device] = None) -> Tensor:
    """Draw rotation matrices.

    Args:
        n: How many.
        mode: ``'so3'``: uniform over all rotations (normalised Gaussian quaternions);
            ``'yaw'``: uniform about the vertical axis, followed by a tilt.
        tilt_degrees: Only for ``'yaw'``: the tilt is uniform in ``[-tilt_degrees, tilt_degrees]``
            about a horizontal axis of uniform direction.
        up: Vertical axis, one of ``'+x' '-x' '+y' '-y' '+z' '-z'``.
        generator: Source of the random numbers, on ``device``.
        dtype: Floating type of the result.
        device: Device of the result.

    Returns:
        ``(n, 3, 3)``.

    Raises:
        ValueError: If ``mode`` or ``up`` is unknown, or a tilt is asked for with ``'so3'``.
    """
    options = dict(generator=generator, dtype=dtype, device=device)
    if mode == 'so3':
        if tilt_degrees:
            raise ValueError("tilt_degrees only makes sense with mode='yaw': every tilt is "
                             "already in 'so3'")
        return quaternion_to_matrix(torch.randn(n, 4, **options))
    if mode != 'yaw':
        raise ValueError(f"mode must be 'so3' or 'yaw', got {mode!r}")
    vertical, sign = vertical_axis(up)
    first, second = ((vertical + 1) % 3, (vertical + 2) % 3)
    yaw, heading, tilt = torch.rand(3, n, **options).unbind(0)
    axes = torch.zeros(n, 3, dtype=yaw.dtype, device=yaw.device)
    axes[:, vertical] = sign
    turned = axis_angle_to_matrix(axes, 2 * math.pi * yaw)
    if not tilt_degrees:
        return turned
    heading = 2 * math.pi * heading
    axes = torch.zeros_like(axes)
    axes[:, first], axes[:, second] = heading.cos(), heading.sin()
    return axis_angle_to_matrix(axes, math.radians(tilt_degrees) * (2 * tilt - 1)) @ turned
