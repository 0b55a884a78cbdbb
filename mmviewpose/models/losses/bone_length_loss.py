from typing import Optional, Union

import torch
from torch import Tensor, nn

from ...functional.skeleton_terms import bone_length_loss
from ...registry import MODELS
from ...skeletons import Skeleton, get_skeleton
from .joint_weight import joint_weight


@MODELS.register_module()
class BoneLengthLoss(nn.Module):
    """Difference of recovered and true bone lengths (L_B of SeBiReNet, Eq. 9).

    Args:
        skeleton: Layout of the poses, or its name.
        loss_weight: Factor on the result.
        reduction: ``'mean'`` over samples and bones, or ``'sum'`` (the paper).
    """

    def __init__(self,
                 skeleton: Union[str, Skeleton] = 'ape17',
                 loss_weight: float = 1.,
                 reduction: str = 'mean') -> None:
        super().__init__()
        self.loss_weight, self.reduction = loss_weight, reduction
        skeleton = get_skeleton(skeleton) if isinstance(skeleton, str) else skeleton
        self.register_buffer('bones', torch.tensor(skeleton.bones), persistent=False)

    def forward(self, pred: Tensor, target: Tensor, weight: Optional[Tensor] = None) -> Tensor:
        """Poses ``(..., K, D)`` and joint weights ``(..., K)`` (or
        ``(..., K, 1)``, as mmpose gives them) to a scalar, see
        :func:`~mmviewpose.functional.skeleton_terms.bone_length_loss`."""
        return self.loss_weight * bone_length_loss(pred, target, self.bones,
                                                   joint_weight(weight, pred), self.reduction)
