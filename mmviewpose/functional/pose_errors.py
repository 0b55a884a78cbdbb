"""Errors of predicted 3D poses, as figures to report; all in millimetres or percent."""
from typing import Optional

from torch import Tensor

from .reduction import safe_norm


def summarise(values: Tensor, mask: Optional[Tensor] = None, reduction: str = 'mean') -> Tensor:
    """Average values of joints.

    Args:
        values: One value a joint, ``(..., K)``.
        mask: True for joints that count, ``(..., K)`` or what broadcasts to it.
        reduction: ``'mean'``: over all counted joints of all samples together; ``'sample'``: over
            the counted joints of each sample, ``(...)``; ``'none'``: ``(..., K)``. Where no joint
            counts the result is NaN.

    Returns:
        The average, or ``values`` with NaN at joints that do not count for ``'none'``.

    Raises:
        ValueError: If ``reduction`` is unknown.
    """
    if reduction not in ('mean', 'sample', 'none'):
        raise ValueError(f"reduction must be 'mean', 'sample' or 'none', got {reduction!r}")
    if mask is not None:
        mask = mask.bool().expand_as(values)
    if reduction == 'none':
        return values if mask is None else values.masked_fill(~mask, float('nan'))
    if mask is None:
        return values.mean() if reduction == 'mean' else values.mean(-1)
    values = values.masked_fill(~mask, 0.)
    if reduction == 'mean':
        return values.sum() / mask.sum()
    return values.sum(-1) / mask.sum(-1)


def mpjpe(pred: Tensor,
          target: Tensor,
          mask: Optional[Tensor] = None,
          reduction: str = 'mean') -> Tensor:
    """Mean per-joint position error.

    Args:
        pred: Predicted poses, ``(..., K, 3)`` mm.
        target: True poses, ``(..., K, 3)`` mm.
        mask: True for joints that count, ``(..., K)``.
        reduction: ``'mean'``, ``'sample'`` or ``'none'``, see :func:`summarise`.

    Returns:
        Error in mm.
    """
    return summarise(safe_norm(pred - target), mask, reduction)
