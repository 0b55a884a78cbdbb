from typing import Optional

from torch import Tensor, nn

from ...functional.lifting_terms import reprojection_loss
from ...registry import MODELS
from .joint_weight import joint_weight


@MODELS.register_module()
class ReprojectionLoss(nn.Module):
    """Distance in the image to the detected key points, weighted by their confidence (L_2D of "Two
    views are better than one", Eq. 7).

    Args:
        loss_weight: Factor on the result.
        reduction: ``'mean'`` over samples and joints, or ``'sum'``.
    """

    def __init__(self, loss_weight: float = 1., reduction: str = 'mean') -> None:
        super().__init__()
        self.loss_weight, self.reduction = loss_weight, reduction

    def forward(self, pred: Tensor, target: Tensor, weight: Optional[Tensor] = None) -> Tensor:
        """Poses ``(..., K, 2 or 3)``, of which x and y are in the image, and confidences
        ``(..., K)`` (or ``(..., K, 1)``, as mmpose gives its weights) to a scalar, see
        :func:`~mmviewpose.functional.lifting_terms.reprojection_loss`."""
        return self.loss_weight * reprojection_loss(pred, target, joint_weight(weight, pred),
                                                    self.reduction)
