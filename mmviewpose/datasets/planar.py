"""Points in memory a coordinate after the other: all x, then all y.

A last axis of length 2 or 3 makes every operation on points several times slower than the same on
long rows of numbers. Tensors of shape ``(..., D)`` whose memory is ``(D, ...)`` keep that order
through operations with each other, and all code that does not ask for ``view`` works on them.
"""
import torch
from torch import Tensor


def planar(points: Tensor) -> Tensor:
    """The same ``(..., D)`` with its memory in the order ``(D, ...)``."""
    return points.movedim(-1, 0).contiguous().movedim(0, -1)


def planar_length(points: Tensor) -> Tensor:
    """Euclidean norm over the last axis, ``(...)``; a reduction over an outer axis is slow."""
    total = points[..., 0].square()
    for axis in range(1, points.shape[-1]):
        total = torch.addcmul(total, points[..., axis], points[..., axis])
    return total.sqrt()
