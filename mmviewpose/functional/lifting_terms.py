"""What a lifter is held to: the truth in 3D where it is known, and the detections in 2D.

L_3D of C. K. Ingwersen et al., "Two views are better than one", 2024, Eq. 5, is, as in MotionBERT
(W. Zhu et al., 2023), ``joint_position_loss + 20 velocity_loss + 0.5 scale_loss``; Eq. 6 adds 0.2
times the consistency of the views. Without 3D labels, Eq. 7 is :func:`reprojection_loss`, and Eq. 8
adds 0.3 times the consistency.
"""
from typing import Optional

import torch
from torch import Tensor

from .reconstruction import joint_position_loss
from .reduction import drop_unweighted, expand_weight


def velocity_loss(pred: Tensor,
                  target: Tensor,
                  weight: Optional[Tensor] = None,
                  reduction: str = 'mean') -> Tensor:
    """Distance between recovered and true displacements from frame to frame: L_vel of Eq. 5.

    Args:
        pred: Recovered sequences, ``(..., T, K, D)``, T >= 2.
        target: True sequences, ``(..., T, K, D)``, in the same unit.
        weight: Weights or mask of the joints, ``(..., T, K)`` or what broadcasts to it; a
            displacement's is the product of its ends'. Joints of weight 0 may be NaN.
        reduction: ``'mean'`` over samples, displacements and joints together, ``'sum'``, or
            ``'none'`` for ``(..., T - 1, K)``.

    Returns:
        Distance in the unit of the poses per frame. Its gradient where a displacement is exact
        is 0.

    Raises:
        ValueError: If there is no pair of frames, or the weights do not fit.
    """
    if pred.dim() < 3 or pred.shape[-3] < 2:
        raise ValueError(f'velocities need (..., T, K, D) with T >= 2, got {tuple(pred.shape)}')
    weight = expand_weight(weight, pred)
    if weight is not None:
        weight = weight[..., 1:, :] * weight[..., :-1, :]
    return joint_position_loss(pred.diff(dim=-3), target.diff(dim=-3), weight, reduction)


def scale_loss(pred: Tensor,
               target: Tensor,
               weight: Optional[Tensor] = None,
               per_frame: bool = True,
               reduction: str = 'mean') -> Tensor:
    """Distance to the true joints after the best scaling about the origin: L_scale of Eq. 5.

    The scale ``sum w <pred, target> / sum w <pred, pred>`` is that of least squares (H. Rhodin et
    al., "Unsupervised geometry-aware representation for 3D human pose estimation", 2018), one for
    each pose, as in MotionBERT, and a gradient goes through it. It expects poses about their root.
    A pose at the origin is left there; its gradient is 0.

    Args:
        pred: Recovered poses, ``(..., K, D)``, the root at the origin.
        target: True poses, ``(..., K, D)``, the root at the origin.
        weight: Weights or mask of the joints, ``(..., K)`` or what broadcasts to it. Joints of
            weight 0 enter neither scale nor loss, and may be NaN.
        per_frame: One scale a pose; else one a sequence, for poses ``(..., T, K, D)``.
        reduction: ``'mean'`` over samples and joints together, ``'sum'``, or ``'none'`` for
            ``(..., K)``.

    Returns:
        Distance in the unit of the target.

    Raises:
        ValueError: If there is no sequence to take one scale for, or the weights do not fit.
    """
    if not per_frame and pred.dim() < 3:
        raise ValueError('one scale a sequence needs (..., T, K, D), got '
                         f'{tuple(pred.shape)}')
    weighted, weight = pred, expand_weight(weight, pred)
    if weight is not None:
        pred = drop_unweighted(pred, weight.unsqueeze(-1))
        target = drop_unweighted(target, weight.unsqueeze(-1))
        weighted = pred * weight.unsqueeze(-1)
    axes = (-2, -1) if per_frame else (-3, -2, -1)
    squares = (weighted * pred).sum(axes, keepdim=True)
    nothing = squares <= torch.finfo(squares.dtype).tiny
    scale = (weighted * target).sum(axes, keepdim=True) / squares.masked_fill(nothing, 1.)
    return joint_position_loss(scale.masked_fill(nothing, 0.) * pred, target, weight, reduction)


def reprojection_loss(pred: Tensor,
                      target: Tensor,
                      weight: Optional[Tensor] = None,
                      reduction: str = 'mean') -> Tensor:
    """Distance in the image between a projected pose and the detected key points: L_2D of Eq. 7.

    Args:
        pred: Projected poses, ``(..., K, 2)``, in any unit of the image. Of ``(..., K, 3)`` the
            first two are taken: MotionBERT's output is image x and y and a relative depth, and so
            is an orthographic projection.
        target: Detected key points, ``(..., K, 2)`` in the same unit and about the same origin;
            of ``(..., K, 3)`` the first two are taken.
        weight: Confidence of the detections, ``(..., K)`` or what broadcasts to it. Key points of
            confidence 0 may be NaN.
        reduction: ``'mean'`` over samples and joints together, weighted: ``sum(c d) / sum(c)``;
            ``'sum'``; or ``'none'`` for ``(..., K)``.

    Returns:
        Distance in the unit of the image; 0 where all confidences are 0. Its gradient where a
        projection is exact is 0.

    Raises:
        ValueError: If the weights do not fit.
    """
    return joint_position_loss(pred[..., :2], target[..., :2], weight, reduction)
