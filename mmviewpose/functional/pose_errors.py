"""Errors of predicted 3D poses, as figures to report; all in millimetres or percent."""
from typing import Optional

import torch
from torch import Tensor

from ..geometry.alignment import align, aligned_distances
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


def n_mpjpe(pred: Tensor,
            target: Tensor,
            mask: Optional[Tensor] = None,
            reduction: str = 'mean') -> Tensor:
    """MPJPE after the best scaling of the prediction about the origin.

    The least-squares scale is ``<pred, target> / <pred, pred>`` (H. Rhodin et al., "Unsupervised
    geometry-aware representation for 3D human pose estimation", 2018); it expects poses about
    their root. A prediction at the origin is left there.

    Args:
        pred: Predicted poses, ``(..., K, 3)`` mm, the root at the origin.
        target: True poses, ``(..., K, 3)`` mm, the root at the origin.
        mask: True for joints that count, ``(..., K)``; others do not enter the scale either.
        reduction: ``'mean'``, ``'sample'`` or ``'none'``, see :func:`summarise`.

    Returns:
        Error in mm.
    """
    counted, true = pred, target
    if mask is not None:
        hidden = ~mask.bool()[..., None]
        counted, true = pred.masked_fill(hidden, 0.), target.masked_fill(hidden, 0.)
    squared = counted.square().sum((-2, -1), keepdim=True)
    scale = (counted * true).sum((-2, -1), keepdim=True) / torch.where(
        squared == 0, torch.ones_like(squared), squared)
    return mpjpe(scale * pred, target, mask, reduction)


def pa_mpjpe(pred: Tensor,
             target: Tensor,
             mask: Optional[Tensor] = None,
             reduction: str = 'mean',
             allow_reflection: bool = False) -> Tensor:
    """MPJPE after the best scale, rotation and translation of the prediction.

    By default the rotation is a proper one: a mirrored body is not the same body. Where a gradient
    is asked for it is finite; without one a faster path is taken (see
    :func:`~mmviewpose.geometry.alignment.aligned_distances`), which ``torch.compile`` accepts.

    Args:
        pred: Predicted poses, ``(..., K, 3)`` mm.
        target: True poses, ``(..., K, 3)`` mm.
        mask: True for joints that count, ``(..., K)``; others do not enter the alignment either.
        reduction: ``'mean'``, ``'sample'`` or ``'none'``, see :func:`summarise`.
        allow_reflection: Mirror the prediction where that fits better. Report it under a name of
            its own.

    Returns:
        Error in mm.
    """
    if torch.is_grad_enabled() and (pred.requires_grad or target.requires_grad):
        aligned = align(pred, target, mask, allow_reflection=allow_reflection)
        return mpjpe(aligned, target, mask, reduction)
    distances = aligned_distances(pred, target, mask, allow_reflection=allow_reflection)
    return summarise(distances, mask, reduction)


def velocity_error(pred: Tensor,
                   target: Tensor,
                   mask: Optional[Tensor] = None,
                   reduction: str = 'mean') -> Tensor:
    """Mean per-joint velocity error (MPJVE): error of the frame-to-frame displacement.

    Args:
        pred: Predicted sequences, ``(..., T, K, 3)`` mm, T >= 2.
        target: True sequences, ``(..., T, K, 3)`` mm.
        mask: True for joints that count, ``(..., T, K)``; a displacement counts if both of its
            ends do.
        reduction: ``'mean'``, ``'sample'`` (``(..., T - 1)``) or ``'none'``, see
            :func:`summarise`.

    Returns:
        Error in mm per frame.

    Raises:
        ValueError: If there is no pair of frames.
    """
    if pred.dim() < 3 or pred.shape[-3] < 2:
        raise ValueError(f'velocities need (..., T, K, 3) with T >= 2, got {tuple(pred.shape)}')
    if mask is not None:
        mask = mask.bool().expand(pred.shape[:-1])
        mask = mask[..., 1:, :] & mask[..., :-1, :]
    return mpjpe(pred.diff(dim=-3), target.diff(dim=-3), mask, reduction)


def pck3d(pred: Tensor,
          target: Tensor,
          mask: Optional[Tensor] = None,
          reduction: str = 'mean',
          threshold: float = 150.) -> Tensor:
    """Percentage of correct key points: those nearer than a threshold.

    Args:
        pred: Predicted poses, ``(..., K, 3)`` mm.
        target: True poses, ``(..., K, 3)`` mm.
        mask: True for joints that count, ``(..., K)``.
        reduction: ``'mean'``, ``'sample'`` or ``'none'``, see :func:`summarise`.
        threshold: In mm; a joint at exactly this distance is not correct.

    Returns:
        Percent, 0 to 100. A joint that is NaN is not correct.
    """
    distances = safe_norm(pred - target)
    return summarise(100. * (distances < threshold).to(distances.dtype), mask, reduction)


def auc(pred: Tensor,
        target: Tensor,
        mask: Optional[Tensor] = None,
        reduction: str = 'mean',
        limit: float = 150.,
        steps: int = 31) -> Tensor:
    """Area under the curve of :func:`pck3d` over its threshold.

    Args:
        pred: Predicted poses, ``(..., K, 3)`` mm.
        target: True poses, ``(..., K, 3)`` mm.
        mask: True for joints that count, ``(..., K)``.
        reduction: ``'mean'``, ``'sample'`` or ``'none'``, see :func:`summarise`.
        limit: Largest threshold in mm.
        steps: Number of thresholds from 0 to ``limit``, both included: by default every 5 mm (D.
            Mehta et al., "Monocular 3D human pose estimation in the wild", 2017).

    Returns:
        Mean percentage over the thresholds, 0 to 100; at most ``100 (steps - 1) / steps``, since
        nothing is nearer than 0.
    """
    distances = safe_norm(pred - target)
    thresholds = torch.linspace(0., limit, steps, dtype=distances.dtype, device=distances.device)
    # thresholds at or below a distance are missed; a NaN misses all
    missed = torch.searchsorted(thresholds, distances.contiguous(), right=True)
    missed = missed.masked_fill(distances.isnan(), steps)
    return summarise(100. * (steps - missed).to(distances.dtype) / steps, mask, reduction)
