"""What all losses and errors share: a norm that is safe at zero, and the weighted reduction."""
from typing import Optional

import torch
from torch import Tensor

REDUCTIONS = ('mean', 'sum', 'none')


def safe_norm(vectors: Tensor, dim: int = -1) -> Tensor:
    """Euclidean norm whose gradient at the zero vector is zero.

    Args:
        vectors: Any shape.
        dim: The axis that holds a vector's components.

    Returns:
        Norms, the shape of ``vectors`` without ``dim``.
    """
    # torch defines the slope of its vector norm at zero as zero; that of sqrt would be infinite
    return torch.linalg.vector_norm(vectors, dim=dim)


def drop_unweighted(terms: Tensor, weight: Optional[Tensor]) -> Tensor:
    """Set terms of weight 0 to 0, so that a NaN there reaches neither the value nor the gradient.

    It must stand before the first function with a slope of its own (norm, absolute value): a NaN
    that is masked only afterwards still comes back as ``0 * NaN``.

    Args:
        terms: Any shape.
        weight: Weights or a boolean mask that broadcast against ``terms``, or None.
    """
    return terms if weight is None else terms.masked_fill(weight == 0, 0.)


def expand_weight(weight: Optional[Tensor], poses: Tensor) -> Optional[Tensor]:
    """Weights or a mask of the joints as ``(..., K)`` for poses ``(..., K, D)``; None stays None.

    Raises:
        ValueError: They do not broadcast to the joints.
    """
    try:
        return None if weight is None else weight.expand(poses.shape[:-1])
    except RuntimeError:
        raise ValueError(f'weights {tuple(weight.shape)} do not fit poses '
                         f'{tuple(poses.shape)}: one a joint is wanted') from None


def reduce(values: Tensor, reduction: str = 'mean', weight: Optional[Tensor] = None) -> Tensor:
    """Reduce the terms of a loss.

    Args:
        values: Terms, any shape.
        reduction: ``'mean'``: ``sum(w v) / sum(w)`` over all samples and terms together (0 where
            every weight is 0); ``'sum'``: ``sum(w v)``; ``'none'``: ``w v``.
        weight: Non-negative weights or a boolean mask, broadcast against ``values``.

    Returns:
        A scalar, or the shape of ``values`` for ``'none'``.

    Raises:
        ValueError: If ``reduction`` is unknown.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f'reduction must be one of {REDUCTIONS}, got {reduction!r}')
    if weight is not None:
        weight = weight.to(values.dtype).expand_as(values)
        values = values * weight
    if reduction == 'none':
        return values
    if reduction == 'sum':
        return values.sum()
    if weight is None:
        return values.mean()
    total = weight.sum()
    return values.sum() / torch.where(total == 0, torch.ones_like(total), total)
