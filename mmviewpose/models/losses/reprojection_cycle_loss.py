from typing import Optional

from torch import Tensor, nn

from ...functional.lifting_cycles import reprojection_cycle_loss
from ...registry import MODELS


@MODELS.register_module()
class ReprojectionCycleLoss(nn.Module):
    """Key points that come back from a random view, against those that were given (L_2D of P. Hardy
    et al., "Optimising 2D pose representation", Eq. 2).

    Args:
        loss_weight: Factor on the result, w_2 of Eq. 7.
        reduction: ``'mean'`` over poses, or ``'sum'``.
    """

    def __init__(self, loss_weight: float = 10., reduction: str = 'mean') -> None:
        super().__init__()
        self.loss_weight, self.reduction = loss_weight, reduction

    def forward(self, returned: Tensor, points: Tensor,
                weight: Optional[Tensor] = None) -> Tensor:
        """Key points ``(B, J, 2)`` each and weights ``(J,)`` to a scalar, see
        :func:`~mmviewpose.functional.lifting_cycles.reprojection_cycle_loss`."""
        return self.loss_weight * reprojection_cycle_loss(returned, points, weight, self.reduction)
