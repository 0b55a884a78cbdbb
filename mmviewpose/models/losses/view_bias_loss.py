from torch import Tensor, nn

from ...functional.view_images import view_bias_loss
from ...registry import MODELS


@MODELS.register_module()
class ViewBiasLoss(nn.Module):
    """How far the mean canonical pose of a view is from that of all views, for
    ``ViewAutoEncoder``; not in the paper.

    Args:
        loss_weight: Factor on the result.
        reduction: ``'mean'`` or ``'sum'`` over views and features.
    """

    def __init__(self, loss_weight: float = 1., reduction: str = 'mean') -> None:
        super().__init__()
        self.loss_weight, self.reduction = loss_weight, reduction

    def forward(self, poses: Tensor) -> Tensor:
        """``(B, V, N, 3)`` to a scalar, see
        :func:`~mmviewpose.functional.view_images.view_bias_loss`."""
        return self.loss_weight * view_bias_loss(poses, self.reduction)
