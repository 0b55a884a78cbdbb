from torch import Tensor, nn

from ...functional.view_images import equivariance_loss
from ...registry import MODELS


@MODELS.register_module()
class EquivarianceLoss(nn.Module):
    """A person who is moved in the image moves all pose features alike (Eq. 6 of F. Sardari et
    al., "Unsupervised view-invariant human posture representation").

    Args:
        loss_weight: Factor on the result, beta of Eq. 8.
        reduction: ``'mean'`` over moments, summed over views; or ``'sum'``.
    """

    def __init__(self, loss_weight: float = 0.001, reduction: str = 'mean') -> None:
        super().__init__()
        self.loss_weight, self.reduction = loss_weight, reduction

    def forward(self, poses: Tensor, moved: Tensor, shift: Tensor) -> Tensor:
        """Features ``(B, V, N, 3)`` of images and of shifted images, and the shift ``(B, V, 2)``, to
        a scalar, see :func:`~mmviewpose.functional.view_images.equivariance_loss`."""
        return self.loss_weight * equivariance_loss(poses, moved, shift, self.reduction)
