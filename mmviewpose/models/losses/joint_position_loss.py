from typing import Optional

from torch import Tensor, nn

from ...functional.reconstruction import joint_position_loss
from ...registry import MODELS
from .joint_weight import joint_weight


@MODELS.register_module()
class JointPositionLoss(nn.Module):
    """Distance between recovered and true joints (L_P of SeBiReNet, Eq. 9).

    Args:
        loss_weight: Factor on the result.
        reduction: ``'mean'`` over samples and joints, or ``'sum'`` (the paper).
    """

    def __init__(self, loss_weight: float = 1., reduction: str = 'mean') -> None:
        super().__init__()
        self.loss_weight, self.reduction = loss_weight, reduction

    def forward(self, pred: Tensor, target: Tensor, weight: Optional[Tensor] = None) -> Tensor:
        """Poses ``(..., K, D)`` and joint weights ``(..., K)`` (or
        ``(..., K, 1)``, as mmpose gives them) to a scalar, see
        :func:`~mmviewpose.functional.reconstruction.joint_position_loss`."""
        return self.loss_weight * joint_position_loss(
            pred, target, joint_weight(weight, pred), self.reduction)
