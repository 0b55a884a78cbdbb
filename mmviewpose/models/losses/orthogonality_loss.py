from typing import Optional

from torch import Tensor, nn

from ...functional.disentanglement import orthogonality_loss
from ...registry import MODELS


@MODELS.register_module()
class OrthogonalityLoss(nn.Module):
    """Keeps the view-dependent feature an orthogonal matrix (Eq. 10 of SeBiReNet).

    Args:
        loss_weight: Factor on the result (lambda).
        reduction: ``'mean'`` over samples, or ``'sum'`` (the published code).
    """

    def __init__(self, loss_weight: float = 1., reduction: str = 'mean') -> None:
        super().__init__()
        self.loss_weight, self.reduction = loss_weight, reduction

    def forward(self,
                pred: Tensor,
                target: Optional[Tensor] = None,
                weight: Optional[Tensor] = None) -> Tensor:
        """Features ``(..., z, z)`` and sample weights ``(...)`` to a scalar, see
        :func:`~mmviewpose.functional.disentanglement.orthogonality_loss`; ``target`` is not
        looked at."""
        return self.loss_weight * orthogonality_loss(pred, weight, self.reduction)
