"""Terms that know the skeleton: bone lengths and the symmetry of left and right limbs."""
from typing import Optional, Sequence, Tuple, Union

import torch
from torch import Tensor

from .reduction import drop_unweighted, reduce, safe_norm

Pairs = Union[Tensor, Sequence[Tuple[int, int]]]


def _columns(pairs: Pairs, like: Tensor) -> Tuple[Tensor, Tensor]:
    first, second = torch.as_tensor(pairs, dtype=torch.long, device=like.device).unbind(-1)
    return first, second


def bone_lengths(positions: Tensor, bones: Pairs) -> Tensor:
    """Lengths of the bones of a pose.

    Args:
        positions: Poses, ``(..., K, D)``.
        bones: Joint numbers ``(child, parent)`` of each bone, ``(N, 2)``.

    Returns:
        ``(..., N)`` in the unit of ``positions``. The gradient of a bone of length 0 is 0.
    """
    child, parent = _columns(bones, positions)
    return safe_norm(positions.index_select(-2, child) - positions.index_select(-2, parent))


def bone_weights(weight: Tensor, bones: Pairs) -> Tensor:
    """Weight of each bone, the product of the weights of its two joints.

    Args:
        weight: Weights or mask of the joints, ``(..., K)``.
        bones: ``(child, parent)``, ``(N, 2)``.

    Returns:
        ``(..., N)``, floating point.
    """
    child, parent = _columns(bones, weight)
    if not weight.is_floating_point():
        weight = weight.float()
    return weight.index_select(-1, child) * weight.index_select(-1, parent)


def bone_length_loss(pred: Tensor,
                     target: Tensor,
                     bones: Pairs,
                     weight: Optional[Tensor] = None,
                     reduction: str = 'mean') -> Tensor:
    """Difference of recovered and true bone lengths: L_B of SeBiReNet, Eq. 9.

    Args:
        pred: Recovered poses, ``(..., K, D)``.
        target: True poses, ``(..., K, D)``.
        bones: ``(child, parent)`` of each bone, ``(N, 2)``.
        weight: Weights or mask of the joints, ``(..., K)``; a bone's is the product of its ends'.
            The target's joints of weight 0 may be NaN.
        reduction: ``'mean'`` over samples and bones together, ``'sum'`` (the paper), or
            ``'none'`` for ``(..., N)``.

    Returns:
        Absolute length difference in the unit of the poses.
    """
    weight = None if weight is None else bone_weights(weight, bones)
    difference = bone_lengths(pred, bones) - bone_lengths(target, bones)
    return reduce(drop_unweighted(difference, weight).abs(), reduction, weight)


def limb_symmetry_loss(pred: Tensor,
                       bones: Pairs,
                       symmetric_bones: Pairs,
                       weight: Optional[Tensor] = None,
                       reduction: str = 'mean') -> Tensor:
    """Difference of left and right bone lengths of one pose: L_S of SeBiReNet, Eq. 9.

    Args:
        pred: Recovered poses, ``(..., K, D)``.
        bones: ``(child, parent)`` of each bone, ``(N, 2)``.
        symmetric_bones: ``(left, right)``, numbers into ``bones``, ``(M, 2)``.
        weight: Weights or mask of the joints, ``(..., K)``; a pair's is the product of its bones'.
        reduction: ``'mean'`` over samples and pairs together, ``'sum'`` (the paper), or
            ``'none'`` for ``(..., M)``.

    Returns:
        Absolute length difference in the unit of the pose.
    """
    left, right = _columns(symmetric_bones, pred)
    lengths = bone_lengths(pred, bones)
    difference = lengths.index_select(-1, left) - lengths.index_select(-1, right)
    if weight is not None:
        weight = bone_weights(weight, bones)
        weight = weight.index_select(-1, left) * weight.index_select(-1, right)
    return reduce(difference.abs(), reduction, weight)
