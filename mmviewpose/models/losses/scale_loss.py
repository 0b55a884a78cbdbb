from typing import Optional

from torch import Tensor, nn

from ...functional.lifting_terms import scale_loss
from ...registry import MODELS
from .joint_weight import joint_weight


@MODELS.register_module()
class ScaleLoss(nn.Module):
    """Distance to the true joints after the best scaling about the origin (L_scale of "Two views
    are better than one", Eq. 5).

    Args:
        per_frame: One scale a pose (MotionBERT); else one a sequence.
        loss_weight: Factor on the result (lambda_scale, 0.5 in the paper).
        reduction: ``'mean'`` over samples and joints, or ``'sum'``.
    """

    def __init__(self, per_frame: bool = True, loss_weight: float = 1.,
                 reduction: str = 'mean') -> None:
        super().__init__()
        self.per_frame, self.loss_weight, self.reduction = per_frame, loss_weight, reduction

    def forward(self, pred: Tensor, target: Tensor, weight: Optional[Tensor] = None) -> Tensor:
        """Poses ``(..., K, D)`` about their root and joint weights ``(..., K)`` (or
        ``(..., K, 1)``, as mmpose gives them) to a scalar, see
        :func:`~mmviewpose.functional.lifting_terms.scale_loss`."""
        return self.loss_weight * scale_loss(pred, target, joint_weight(weight, pred),
                                             self.per_frame, self.reduction)
