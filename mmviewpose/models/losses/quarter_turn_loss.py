from typing import Optional

from torch import Tensor, nn

from ...functional.lifting_cycles import quarter_turn_loss
from ...registry import MODELS


@MODELS.register_module()
class QuarterTurnLoss(nn.Module):
    """Depths after quarter and half turns, which are known from the pose before them (L_90 of P.
    Hardy et al., "Optimising 2D pose representation", Eq. 3 to 5).

    Args:
        loss_weight: Factor on the result, w_3 of Eq. 7.
        reduction: ``'mean'`` over poses, or ``'sum'``.
    """

    def __init__(self, loss_weight: float = 3., reduction: str = 'mean') -> None:
        super().__init__()
        self.loss_weight, self.reduction = loss_weight, reduction

    def forward(self, errors: Tensor, weight: Optional[Tensor] = None) -> Tensor:
        """Errors ``(3, B, J)`` and weights ``(J,)`` to a scalar, see
        :func:`~mmviewpose.functional.lifting_cycles.quarter_turn_loss`."""
        return self.loss_weight * quarter_turn_loss(errors, weight, self.reduction)
