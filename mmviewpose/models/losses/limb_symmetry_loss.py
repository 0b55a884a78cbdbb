from typing import Optional, Union

import torch
from torch import Tensor, nn

from ...functional.skeleton_terms import limb_symmetry_loss
from ...registry import MODELS
from ...skeletons import Skeleton, get_skeleton
from .joint_weight import joint_weight


@MODELS.register_module()
class LimbSymmetryLoss(nn.Module):
    """Difference of left and right bone lengths (L_S of SeBiReNet, Eq. 9).

    Args:
        skeleton: Layout of the poses, or its name.
        loss_weight: Factor on the result.
        reduction: ``'mean'`` over samples and pairs of bones, or ``'sum'`` (the paper).

    Raises:
        ValueError: If the skeleton has no symmetric bones.
    """

    def __init__(self,
                 skeleton: Union[str, Skeleton] = 'ape17',
                 loss_weight: float = 1.,
                 reduction: str = 'mean') -> None:
        super().__init__()
        self.loss_weight, self.reduction = loss_weight, reduction
        skeleton = get_skeleton(skeleton) if isinstance(skeleton, str) else skeleton
        if not skeleton.symmetric_bones:
            raise ValueError(f'layout {skeleton.name!r} has no symmetric bones')
        self.register_buffer('bones', torch.tensor(skeleton.bones), persistent=False)
        self.register_buffer('pairs', torch.tensor(skeleton.symmetric_bones), persistent=False)

    def forward(self,
                pred: Tensor,
                target: Optional[Tensor] = None,
                weight: Optional[Tensor] = None) -> Tensor:
        """Poses ``(..., K, D)`` and joint weights ``(..., K)`` (or
        ``(..., K, 1)``, as mmpose gives them) to a scalar, see
        :func:`~mmviewpose.functional.skeleton_terms.limb_symmetry_loss`; ``target`` is not
        looked at."""
        return self.loss_weight * limb_symmetry_loss(pred, self.bones, self.pairs,
                                                     joint_weight(weight, pred), self.reduction)
