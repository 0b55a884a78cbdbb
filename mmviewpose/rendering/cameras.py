"""Pinhole cameras in rows, and those that look at a point."""
from typing import NamedTuple, Union

import torch
from torch import Tensor

from .directions import cross, unit


class Cameras(NamedTuple):
    """N pinhole cameras without distortion, conventions of `mmviewpose.geometry.camera`.

    Attributes:
        rotation: Camera-to-world, ``(N, 3, 3)``: columns right, down and forward.
        centre: Place in the world, ``(N, 3)`` mm.
        focal: ``(N,)`` px.
        principal: ``(N, 2)`` px; the centre of the top left pixel is (0.5, 0.5).
    """
    rotation: Tensor
    centre: Tensor
    focal: Tensor
    principal: Tensor


def look_at(centre: Tensor, target: Tensor, focal: Union[float, Tensor], image_size: int
            ) -> Cameras:
    """Upright cameras with the target in the middle of their image; up is +y.

    A camera that looks straight up or down has the world's +z to the top of its image.

    Args:
        centre: Where the cameras stand, ``(N, 3)`` mm.
        target: What they look at, ``(N, 3)`` or ``(3,)`` mm.
        focal: Focal lengths, a number or ``(N,)`` px.
        image_size: Side of the square image, px.

    Raises:
        ValueError: If a shape is wrong or a camera stands on its target.
    """
    if centre.ndim != 2 or centre.shape[1] != 3 or target.shape not in (centre.shape, (3,)):
        raise ValueError('centre must be (N, 3) and target (N, 3) or (3,), got '
                         f'{tuple(centre.shape)} and {tuple(target.shape)}')
    focal = torch.as_tensor(focal, dtype=centre.dtype, device=centre.device)
    if focal.shape not in ((), centre.shape[:1]):
        raise ValueError(f'focal must be a number or ({len(centre)},), got {tuple(focal.shape)}')
    way = target - centre
    if (way == 0).all(-1).any():
        raise ValueError('a camera stands on its target')
    forward = unit(way, way)
    up = torch.eye(3, dtype=way.dtype, device=way.device)[1:]
    right = unit(cross(forward, up[0]), cross(forward, up[1]), least=1e-6)
    rotation = torch.stack([right, cross(forward, right), forward], -1)
    principal = way.new_full((len(way), 2), image_size / 2)
    return Cameras(rotation, centre, focal.expand(len(way)), principal)
