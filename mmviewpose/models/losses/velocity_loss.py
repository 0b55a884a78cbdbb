from typing import Optional

from torch import Tensor, nn

from ...functional.lifting_terms import velocity_loss
from ...registry import MODELS
from .joint_weight import joint_weight


@MODELS.register_module()
class VelocityLoss(nn.Module):
    """Distance between recovered and true displacements from frame to frame (L_vel of "Two views
    are better than one", Eq. 5).

    Args:
        loss_weight: Factor on the result (lambda_vel, 20 in the paper).
        reduction: ``'mean'`` over samples, displacements and joints, or ``'sum'``.
    """

    def __init__(self, loss_weight: float = 1., reduction: str = 'mean') -> None:
        super().__init__()
        self.loss_weight, self.reduction = loss_weight, reduction

    def forward(self, pred: Tensor, target: Tensor, weight: Optional[Tensor] = None) -> Tensor:
        """Sequences ``(..., T, K, D)`` and joint weights ``(..., T, K)`` (or ``(..., T, K, 1)``,
        as mmpose gives them) to a scalar, see
        :func:`~mmviewpose.functional.lifting_terms.velocity_loss`."""
        return self.loss_weight * velocity_loss(pred, target, joint_weight(weight, pred),
                                                self.reduction)
