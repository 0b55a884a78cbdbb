from typing import Optional

from torch import Tensor, nn

from ...errors import UserError
from ...functional.consistency import multiview_consistency
from ...registry import MODELS
from .joint_weight import joint_weight


@MODELS.register_module()
class MultiviewConsistencyLoss(nn.Module):
    """Distance left between the poses of two views after the best alignment ("Two views are better
    than one", Eq. 1 to 4).

    It finds the V views of a clip side by side in the batch, where ``MultiviewBatchSampler`` puts
    them. Alone it collapses to one small pose; give it company (:class:`SumLoss`).

    Args:
        num_views: V, at least 2.
        per_frame: One alignment a frame, for cameras that move; else one a clip.
        detach_transform: Take the alignments for constants in the gradient.
        loss_weight: Factor on the result (lambda_con: 0.2 beside 3D labels, 0.3 without).
        reduction: ``'mean'`` over clips, or ``'sum'`` (Eq. 1).

    Raises:
        ValueError: With less than two views.
    """

    def __init__(self,
                 num_views: int,
                 per_frame: bool = False,
                 detach_transform: bool = False,
                 loss_weight: float = 1.,
                 reduction: str = 'mean') -> None:
        super().__init__()
        if num_views < 2:
            raise ValueError(f'consistency is between 2 views or more, got num_views={num_views}')
        self.num_views, self.per_frame = num_views, per_frame
        self.detach_transform = detach_transform
        self.loss_weight, self.reduction = loss_weight, reduction

    def forward(self,
                pred: Tensor,
                target: Optional[Tensor] = None,
                weight: Optional[Tensor] = None) -> Tensor:
        """Poses and joint weights of the views of a batch to a scalar.

        Args:
            pred: Predicted poses, ``(B * V, T, K, 3)``, the V views of a clip consecutive, any
                unit; or ``(B * V, K, 3)`` of models that predict one frame of a clip.
            target: Not looked at.
            weight: Weights of the joints, the shape of ``pred`` without its last axis or with
                one of 1, as mmpose gives them. A joint of weight 0 in a view is taken out, even
                if it is NaN.

        Raises:
            ValueError: If the shapes do not fit.
            UserError: If the batch is not whole clips.
        """
        weight = joint_weight(weight, pred)
        if pred.dim() not in (3, 4) or pred.shape[-1] != 3:
            raise ValueError('consistency is between 3D poses (B * V, T, K, 3) or (B * V, K, 3), '
                             f'got {tuple(pred.shape)}')
        if weight is not None and weight.shape != pred.shape[:-1]:
            raise ValueError(f'weights {tuple(weight.shape)} do not fit poses '
                             f'{tuple(pred.shape)}')
        if pred.shape[0] % self.num_views or not len(pred):
            raise UserError(
                f'config: a batch of {len(pred)} sequences is not whole clips of {self.num_views} '
                "views: give batch_sampler=dict(type='mmviewpose.MultiviewBatchSampler', "
                f'num_views={self.num_views}), and a batch size that is a multiple of it')
        pred = pred.unflatten(0, (-1, self.num_views))
        weight = None if weight is None else weight.unflatten(0, (-1, self.num_views))
        if pred.dim() == 4:
            pred = pred.unsqueeze(2)
            weight = None if weight is None else weight.unsqueeze(2)
        return self.loss_weight * multiview_consistency(
            pred, confidence=weight, per_frame=self.per_frame,
            detach_transform=self.detach_transform, reduction=self.reduction)
