"""Terms that part a pose's view-invariant feature from its view-dependent one (SeBiReNet)."""
from typing import Optional

import torch
from torch import Tensor

from .reduction import drop_unweighted, reduce, safe_norm


def feature_consistency_loss(first: Tensor,
                             second: Tensor,
                             weight: Optional[Tensor] = None,
                             reduction: str = 'mean',
                             norm: str = 'frobenius') -> Tensor:
    """Distance between one pose's view-invariant features in two views: L_f of SeBiReNet.

    ``L_f = ||h_vi^1 - h_vi^2||_F`` (Sec. 3.3), one Frobenius norm a sample.
    ``norm='mean_square'`` is the mean square over the ``K * C`` elements instead: its pull fades
    as features agree, where the norm's stays the same and drives them to a constant.

    Args:
        first: h_vi of the first branch, ``(..., K, C)``.
        second: h_vi of the second branch, ``(..., K, C)``.
        weight: Weight or mask of the samples, ``(...)``.
        reduction: ``'mean'`` over samples, ``'sum'`` (the published code), or ``'none'`` for
            ``(...)``.
        norm: ``'frobenius'`` or ``'mean_square'``.

    Returns:
        The loss; its gradient at equal features is 0.

    Raises:
        ValueError: Another ``norm``.
    """
    difference = (first - second).flatten(-2)
    if weight is not None:
        difference = drop_unweighted(difference, weight.unsqueeze(-1))
    if norm == 'frobenius':
        distance = safe_norm(difference)
    elif norm == 'mean_square':
        distance = difference.square().mean(-1)
    else:
        raise ValueError(f"norm must be 'frobenius' or 'mean_square', got {norm!r}")
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
