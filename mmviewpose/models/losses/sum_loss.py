from typing import Optional, Sequence

from torch import Tensor, nn

from ...registry import MODELS


@MODELS.register_module()
class SumLoss(nn.Module):
    """Several losses where a head takes one.

    mmpose's lifting heads call one loss with ``(pred, target, weight)``; its own wrappers want
    lists of inputs, or to be called one by one. This one hands the same three to each of its losses
    and adds what they give::

        loss=dict(type='mmviewpose.SumLoss', losses=[
            dict(type='MPJPEVelocityJointLoss'),
            dict(type='mmviewpose.MultiviewConsistencyLoss', num_views=2, loss_weight=0.2)])

    Args:
        losses: Configs of losses of any registry; each holds its own factor.
        loss_weight: Factor on the sum.

    Raises:
        ValueError: Without a loss.
    """

    def __init__(self, losses: Sequence[dict], loss_weight: float = 1.) -> None:
        super().__init__()
        if not losses:
            raise ValueError('a sum needs at least one loss')
        self.losses = nn.ModuleList(MODELS.build(loss) for loss in losses)
        self.loss_weight = loss_weight

    def forward(self,
                pred: Tensor,
                target: Optional[Tensor] = None,
                weight: Optional[Tensor] = None) -> Tensor:
        """What a head gives its loss, to a scalar."""
        return self.loss_weight * sum(loss(pred, target, weight) for loss in self.losses)
