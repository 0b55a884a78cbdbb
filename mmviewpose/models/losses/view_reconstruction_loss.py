from torch import Tensor, nn

from ...functional.view_images import view_reconstruction_loss
from ...registry import MODELS


@MODELS.register_module()
class ViewReconstructionLoss(nn.Module):
    """Squared error of decoded images of several views (Eq. 4, 5 and 7 of F. Sardari et
    al., "Unsupervised view-invariant human posture representation").

    Args:
        loss_weight: Factor on the result, alpha (exchanged poses) or gamma (own ones) of Eq. 8.
        reduction: ``'mean'`` over moments, summed over views; or ``'sum'``.
    """

    def __init__(self, loss_weight: float = 1., reduction: str = 'mean') -> None:
        super().__init__()
        self.loss_weight, self.reduction = loss_weight, reduction

    def forward(self, decoded: Tensor, images: Tensor) -> Tensor:
        """Images ``(B, V, C, H, W)`` to a scalar, see
        :func:`~mmviewpose.functional.view_images.view_reconstruction_loss`."""
        return self.loss_weight * view_reconstruction_loss(decoded, images, self.reduction)
