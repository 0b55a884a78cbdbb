"""Consistency of the 3D poses that are predicted from several views of one performance.

C. K. Ingwersen et al., "Two views are better than one: monocular 3D pose estimation with multiview
consistency", 2024.
"""
from typing import Optional, Tuple

import torch
from torch import Tensor

from .reduction import reduce
from .view_pairs import AlignedDistances


def multiview_consistency(pred: Tensor,
                          mask: Optional[Tensor] = None,
                          confidence: Optional[Tensor] = None,
                          per_frame: bool = False,
                          detach_transform: bool = False,
                          reduction: str = 'mean') -> Tensor:
    """Mean distance left between the poses of two views after the best alignment: Eq. 1 to 4.

    For every sequence and every pair of views a < b, one similarity transform (scale, proper
    rotation, translation) takes all poses of view a to those of view b, by least squares over all
    frames and joints together (Eq. 3, 4). The distances that are left are averaged over frames and
    joints (Eq. 2), over pairs, and over sequences (Eq. 1 sums them: ``reduction='sum'``). View b
    is the yardstick: the loss of a pair is in its unit, and stays the same if view a is moved,
    turned or scaled, or view b moved or turned. It falls if view b shrinks, and is 0 where it is a
    point: the loss needs company that holds the size (Sec. 5 of the paper).

    A joint's weight in a pair is the product of its weights in the two views, in the fit and in
    the mean: it counts where both see it. A pair that shares no weight does not count, nor does a
    sequence without such a pair; where none counts, the loss and its gradient are 0. No gradient
    goes to weights. What has no weight may be NaN; any other NaN makes its own sequence's loss NaN.

    The gradient is finite for all finite poses. Where it is not unique (collinear, coinciding or
    mirrored poses, joints that agree exactly) the part that is undetermined is 0. Where all points
    of view a coincide the rotation is the identity and the scale 1.

    Args:
        pred: Predicted poses, ``(B, V, T, K, 3)`` of V >= 2 synchronised views, any unit. Below
            float32 it is computed in float32, under autocast too.
        mask: True for frames that count, ``(B, V, T)`` or what broadcasts to it.
        confidence: Non-negative weights of the joints, ``(B, V, T, K)`` or what broadcasts to it.
        per_frame: One transform a frame, for cameras that move.
        detach_transform: Take the transforms for constants in the gradient.
        reduction: ``'mean'`` or ``'sum'`` over sequences, or ``'none'`` for ``(B,)``.

    Returns:
        The loss in the unit of the poses.

    Raises:
        ValueError: If the shapes do not fit, or there is one view only.
    """
    if pred.dim() != 5 or pred.shape[-1] != 3 or pred.shape[1] < 2 or pred.numel() == 0:
        raise ValueError('consistency is between the poses (B, V, T, K, 3) of V >= 2 views, got '
                         f'{tuple(pred.shape)}')
    if pred.dtype not in (torch.float32, torch.float64):
        pred = pred.float()
    weight = _joint_weights(pred, mask, confidence)
    num_sequences, num_views, num_frames, num_joints, _ = pred.shape
    num_pairs, groups = num_views * (num_views - 1) // 2, 1
    if per_frame:
        groups, pred = num_frames, pred.transpose(1, 2)
        weight = None if weight is None else weight.transpose(1, 2)
    points = pred.reshape(num_sequences * groups, num_views, -1, 3)
    if weight is None:
        share = points.new_full((1, 1), 1 / (num_pairs * num_frames * num_joints))
        share, counted = share.expand(len(points), num_pairs), None
    else:
        weight = weight.reshape(points.shape[:-1])
        share, counted = _shares(weight, groups)
    with_gradient = points.requires_grad and torch.is_grad_enabled()
    distances = AlignedDistances.apply(points, weight, share,
                                        with_gradient and not detach_transform, with_gradient)
    if per_frame:
        distances = distances.unflatten(0, (num_sequences, groups)).sum(1)
    return reduce(distances, reduction, counted)


def _joint_weights(pred: Tensor, mask: Optional[Tensor], confidence: Optional[Tensor]
                   ) -> Optional[Tensor]:
    """``(B, V, T, K)``, or None where all joints count alike."""
    weight = None
    try:
        if mask is not None:
            weight = mask.bool().expand(pred.shape[:3]).unsqueeze(-1).expand(pred.shape[:4])
        if confidence is not None:
            confidence = confidence.detach().expand(pred.shape[:4])
            weight = confidence if weight is None else confidence.masked_fill(~weight, 0)
    except RuntimeError as error:
        raise ValueError(f'poses {tuple(pred.shape)} want a mask (B, V, T) and confidences '
                         f'(B, V, T, K): {error}') from None
    if weight is None or (not weight.is_cuda and bool((weight == 1).all())):
        return None
    return weight.to(pred)


def _shares(weight: Tensor, groups: int) -> Tuple[Tensor, Tensor]:
    """Factor on each pair's sum of weighted distances, ``(N, P)``, and which sequences count.

    Args:
        weight: ``(N, V, M)``: each sequence is ``groups`` frames, or one.
    """
    num_groups, num_views, _ = weight.shape
    total = weight.new_empty(num_groups, num_views, num_views)
    torch.bmm(weight, weight.transpose(1, 2), out=total)  # unlike matmul, not cast by autocast
    total = total.view(-1, groups, num_views**2).sum(1)
    first, second = torch.triu_indices(num_views, num_views, 1, device=weight.device)
    total = total[:, first * num_views + second]
    counted = total > 0
    number = counted.sum(1, keepdim=True)
    share = torch.where(counted, 1 / (total * number), torch.zeros_like(total))
    return share.repeat_interleave(groups, 0), number[:, 0] > 0
