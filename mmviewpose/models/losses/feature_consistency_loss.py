from typing import Optional

from torch import Tensor, nn

from ...functional.disentanglement import feature_consistency_loss
from ...registry import MODELS


@MODELS.register_module()
class FeatureConsistencyLoss(nn.Module):
    """Distance between the view-invariant features of two views (L_f of SeBiReNet, Sec. 3.3).

    Args:
        loss_weight: Factor on the result (w3 of Eq. 11).
        reduction: ``'mean'`` over samples, or ``'sum'`` (the published code).
        norm: ``'frobenius'`` (the paper) or ``'mean_square'``.
    """

    def __init__(self, loss_weight: float = 1., reduction: str = 'mean',
                 norm: str = 'frobenius') -> None:
        super().__init__()
        self.loss_weight, self.reduction, self.norm = loss_weight, reduction, norm

    def forward(self, pred: Tensor, target: Tensor, weight: Optional[Tensor] = None) -> Tensor:
        """Features ``(..., K, C)`` of the two views and sample weights ``(...)`` to a scalar, see
        :func:`~mmviewpose.functional.disentanglement.feature_consistency_loss`."""
        return self.loss_weight * feature_consistency_loss(pred, target, weight, self.reduction,
                                                           self.norm)
