"""Terms that part a pose's view-invariant feature from its view-dependent one (SeBiReNet)."""
from typing import Optional

import torch
from torch import Tensor

from .reduction import reduce, safe_norm


def feature_consistency_loss(first: Tensor,
                             second: Tensor,
                             weight: Optional[Tensor] = None,
                             reduction: str = 'mean',
                             norm: str = 'frobenius') -> Tensor:
    """Distance between one pose's view-invariant features in two views: L_f of SeBiReNet.

    ``L_f = ||h_vi^1 - h_vi^2||_F`` (Sec. 3.3), one Frobenius norm a sample.
    ``norm='mean_square'`` is the mean square over the ``K * C`` elements instead: its pull fades
    as features agree, where the norm's stays the same and drives them to a constant.
    ``norm='relative'`` divides that by the features' variance over the batch: shrinking all
    features does not lower it, and unrelated features cost 2.

    Args:
        first: h_vi of the first branch, ``(..., K, C)``.
        second: h_vi of the second branch, ``(..., K, C)``.
        weight: Weight or mask of the samples, ``(...)``.
        reduction: ``'mean'`` over samples, ``'sum'`` (the published code), or ``'none'`` for
            ``(...)``.
        norm: ``'frobenius'``, ``'mean_square'`` or ``'relative'``.

    Returns:
        The loss; its gradient at equal features is 0.

    Raises:
        ValueError: Another ``norm``.
    """
    difference = (first - second).flatten(-2)
    if norm == 'frobenius':
        distance = safe_norm(difference)
    elif norm == 'mean_square':
        distance = difference.square().mean(-1)
    elif norm == 'relative':
        rows = torch.cat([first, second]).flatten(-2).flatten(0, -2)  # (2N, K * C)
        variance = rows.var(0, unbiased=False).mean()
        distance = difference.square().mean(-1) / variance.clamp_min(1e-8)
    else:
        raise ValueError("norm must be 'frobenius', 'mean_square' or 'relative', "
                         f'got {norm!r}')
    return reduce(distance, reduction, weight)


def orthogonality_loss(features: Tensor,
                       weight: Optional[Tensor] = None,
                       reduction: str = 'mean') -> Tensor:
    """How far the view-dependent feature is from an orthogonal matrix: Eq. 10 of SeBiReNet.

    ``||I - h_v^T h_v||_F``, one Frobenius norm a sample; the factor lambda is the caller's.

    Args:
        features: h_v, ``(..., z, z)``.
        weight: Weight or mask of the samples, ``(...)``.
        reduction: ``'mean'`` over samples, ``'sum'`` (the published code), or ``'none'`` for
            ``(...)``.

    Returns:
        The loss; its gradient at an orthogonal matrix is 0.
    """
    identity = torch.eye(features.shape[-1], dtype=features.dtype, device=features.device)
    residual = identity - features.transpose(-1, -2) @ features
    return reduce(safe_norm(residual.flatten(-2)), reduction, weight)


def swap_branches(features: Tensor) -> Tensor:
    """Exchange a feature between the two Siamese branches of a batch.

    Args:
        features: ``(2B, ...)``: the B samples of the first branch, then the same B samples in the
            second.

    Returns:
        ``(2B, ...)`` with the halves exchanged; coupling it with the other feature of the
        unswapped batch gives the view-transferred poses of Eq. 11.

    Raises:
        ValueError: If the first axis is odd.
    """
    if features.shape[0] % 2:
        raise ValueError('the first axis holds two branches and must be even, got '
                         f'{tuple(features.shape)}')
    first, second = features.chunk(2)
    return torch.cat([second, first])
