"""Poses before a camera that walks around them.

Here x is to the right, y up and z towards the camera, and poses are about their root. A camera that
looks down by ``pitch`` sees the vertical as (0, cos pitch, sin pitch). The camera stands at the
distance ``distance`` from the root, which it looks at, in the unit of the poses, or, where that is
None, infinitely far off (orthographic). All functions work on components, not matrices: a last axis
of length 3 is slow.
"""
from typing import Optional, Union

import torch
from torch import Tensor

from .rotation import turn_plane

NEAREST = 0.1  # of the distance; nothing comes nearer to the camera
Angle = Union[Tensor, float]


def turn_view(poses: Tensor, azimuth: Tensor, elevation: Angle = 0., pitch: Angle = 0.) -> Tensor:
    """The pose as a camera sees it that has walked around the vertical and then leans.

    ``R_x(pitch + elevation) R_y(azimuth) R_x(-pitch)``; with a level camera this is the rotation of
    P. Hardy et al., "Optimising 2D pose representation", 2022, Sec. 3.3. A quarter turn of a level
    camera takes ``(x, y, z)`` to ``(z, y, -x)`` (Sec. 3.4).

    Args:
        poses: ``(..., K, 3)``.
        azimuth: Radians, ``(...)``.
        elevation: Radians, ``(...)``.
        pitch: How far the camera looks down, radians, ``(...)``.

    Returns:
        ``(..., K, 3)``.
    """
    x, y, z = poses.unbind(-1)
    y, z = turn_plane(y, z, -_as_angle(pitch, poses))
    x, z = turn_plane(x, z, -azimuth.unsqueeze(-1))
    y, z = turn_plane(y, z, _as_angle(pitch, poses) + _as_angle(elevation, poses))
    return torch.stack([x, y, z], -1)


def turn_view_back(poses: Tensor, azimuth: Tensor, elevation: Angle = 0.,
                   pitch: Angle = 0.) -> Tensor:
    """The inverse of :func:`turn_view`."""
    x, y, z = poses.unbind(-1)
    y, z = turn_plane(y, z, -_as_angle(pitch, poses) - _as_angle(elevation, poses))
    x, z = turn_plane(x, z, azimuth.unsqueeze(-1))
    y, z = turn_plane(y, z, _as_angle(pitch, poses))
    return torch.stack([x, y, z], -1)


def see(poses: Tensor, distance: Optional[Tensor] = None) -> Tensor:
    """Image points about the root's, at the root's scale.

    Args:
        poses: ``(..., K, 3)``.
        distance: ``(...)``; None for an orthographic camera. Points nearer than a tenth of it are
            taken to be there.

    Returns:
        ``(..., K, 2)``.
    """
    if distance is None:
        return poses[..., :2]
    return poses[..., :2] / _remoteness(poses[..., 2:], distance)


def raise_points(points: Tensor, depths: Tensor, distance: Optional[Tensor] = None) -> Tensor:
    """The pose with given depths that :func:`see` shows as given points.

    Args:
        points: ``(..., K, 2)``.
        depths: Towards the camera, about the root's, ``(..., K)``.
        distance: ``(...)`` or None, as in :func:`see`.

    Returns:
        ``(..., K, 3)``.
    """
    depths = depths.unsqueeze(-1)
    if distance is not None:
        points = points * _remoteness(depths, distance)
    return torch.cat([points, depths], -1)


def _remoteness(depths: Tensor, distance: Tensor) -> Tensor:
    """How far from the camera points ``(..., K, 1)`` are, over the root's distance ``(...)``."""
    return (1 - depths / distance[..., None, None]).clamp_min(NEAREST)


def _as_angle(angle: Angle, like: Tensor) -> Tensor:
    """To broadcast against ``(..., K)``."""
    # new_full: a tensor made of a float would wait for a GPU
    return angle.unsqueeze(-1) if isinstance(angle, Tensor) else like.new_full((1, ), angle)
