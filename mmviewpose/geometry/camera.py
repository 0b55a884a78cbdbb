"""Pinhole and orthographic cameras.

Conventions, pinned by ``tests/test_geometry/test_camera.py``: a camera looks along its +z, x points
right and y down in the image. ``rotation`` is **camera-to-world** and ``centre`` the camera's place
in the world, in the unit of the points (Human3.6M's ``R`` and ``T``; mmpose's ``cameras.pkl`` has
``T`` in metres), so that

    x_cam = R^T (x_world - centre).

In rows, ``rotation`` can be a batch ``(..., 3, 3)`` and the other parameters ``(..., n)``; both are
broadcast against the leading axes of the points ``(..., K, 3)``.
"""
from typing import Optional

import torch
from torch import Tensor


def world_to_camera(points: Tensor, rotation: Tensor, centre: Tensor) -> Tensor:
    """World coordinates to camera coordinates.

    Args:
        points: ``(..., K, 3)``, any unit.
        rotation: Camera-to-world, ``(..., 3, 3)``.
        centre: Camera's place in the world, ``(..., 3)``, the unit of ``points``.

    Returns:
        ``(..., K, 3)``; z is the depth.
    """
    return (points - centre.unsqueeze(-2)) @ rotation


def camera_to_world(points: Tensor, rotation: Tensor, centre: Tensor) -> Tensor:
    """Camera coordinates to world coordinates, the inverse of :func:`world_to_camera`."""
    return points @ rotation.transpose(-1, -2) + centre.unsqueeze(-2)


def project(points: Tensor,
            focal: Tensor,
            principal: Tensor,
            radial: Optional[Tensor] = None,
            tangential: Optional[Tensor] = None) -> Tensor:
    """Perspective projection, with lens distortion where its parameters are given.

    With ``x, y`` the point over its depth, ``r^2 = x^2 + y^2`` and
    ``d = 1 + k1 r^2 + k2 r^4 + k3 r^6 + 2 p1 y + 2 p2 x``, the image point is
    ``(x d + p2 r^2, y d + p1 r^2)`` before focal length and principal point (Human3.6M, OpenCV).

    Args:
        points: Camera coordinates, ``(..., K, 3)``, any unit, with positive depth; what is behind
            the camera comes out mirrored, at depth 0 infinite.
        focal: Focal lengths ``(..., 2)`` in px.
        principal: Principal point ``(..., 2)`` in px.
        radial: ``(k1, k2, k3)``, ``(..., 3)``.
        tangential: ``(p1, p2)``, ``(..., 2)``.

    Returns:
        Image points ``(..., K, 2)`` in the unit of ``focal``: x right, y down.
    """
    image = points[..., :2] / points[..., 2:]
    if radial is not None or tangential is not None:
        image = _distort(image, radial, tangential)
    return image * focal.unsqueeze(-2) + principal.unsqueeze(-2)


def _distort(image: Tensor, radial: Optional[Tensor], tangential: Optional[Tensor]) -> Tensor:
    squared = image.square().sum(-1, keepdim=True)
    factor = torch.ones_like(squared)
    if radial is not None:
        k1, k2, k3 = radial[..., None, :].split(1, dim=-1)
        factor = factor + squared * (k1 + squared * (k2 + squared * k3))
    if tangential is None:
        return image * factor
    swapped = tangential[..., None, :].flip(-1)  # (p2, p1)
    factor = factor + 2 * (swapped * image).sum(-1, keepdim=True)
    return image * factor + squared * swapped


def project_orthographic(points: Tensor, scale: Optional[Tensor] = None) -> Tensor:
    """Orthographic projection: x and y, depth dropped.

    Args:
        points: Camera coordinates, ``(..., K, 3)``.
        scale: Factor a sample, ``(...)``; with it, the weak perspective.

    Returns:
        ``(..., K, 2)`` in the unit of ``points`` times that of ``scale``.
    """
    return points[..., :2] if scale is None else points[..., :2] * scale[..., None, None]
