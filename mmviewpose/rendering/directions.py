"""Unit vectors with a way out where there is none."""
import torch
from torch import Tensor


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Scalar product over the last axis of length 3."""
    return a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2]


def cross(a: Tensor, b: Tensor) -> Tensor:
    """Vector product over the last axis, the others broadcast."""
    return torch.linalg.cross(*torch.broadcast_tensors(a, b), dim=-1)


def length(vectors: Tensor) -> Tensor:
    """Length ``(..., 1)``."""
    return vectors.square().sum(-1, keepdim=True).sqrt()


def unit(vectors: Tensor, instead: Tensor, least: float = 1e-3) -> Tensor:
    """Vectors ``(..., 3)`` at length one; ``instead`` (not zero) replaces those below `least`."""
    short = length(vectors) < least
    chosen = torch.where(short, instead, vectors)
    return chosen / length(chosen)


def perpendicular(axes: Tensor) -> Tensor:
    """Some unit vector at right angles to each unit vector, ``(..., 3)``."""
    x, y, z = axes.unbind(-1)
    none = torch.zeros_like(x)
    upright = (x.abs() < 0.8).unsqueeze(-1)  # then its part in the y-z plane is long enough
    found = torch.where(upright, torch.stack([none, -z, y], -1), torch.stack([y, -x, none], -1))
    return found / length(found)


def square_to(vectors: Tensor, axes: Tensor, least: float = 1e-3) -> Tensor:
    """The part of vectors at right angles to unit axes, at length one; any where there is none."""
    rest = vectors - dot(vectors, axes).unsqueeze(-1) * axes
    return unit(rest, perpendicular(axes), least)


def carry(vectors: Tensor, rest: Tensor, axes: Tensor) -> Tensor:
    """Vectors turned by the smallest rotation that takes ``rest`` to ``axes``.

    ``f' = f - (f . d) / (1 + r . d) (r + d)`` for unit f at right angles to r. Opposite r and d
    have no smallest rotation; near there the result is only made square to the axis.

    Args:
        vectors: f, ``(..., 3)``, unit and at right angles to ``rest``.
        rest: r, ``(..., 3)``, unit.
        axes: d, ``(..., 3)``, unit.

    Returns:
        ``(..., 3)``, unit, at right angles to ``axes``.
    """
    turned = dot(vectors, axes) / (1 + dot(rest, axes)).clamp_min(1e-2)
    return square_to(vectors - turned.unsqueeze(-1) * (rest + axes), axes)
