from typing import Dict, Optional, Tuple

from torch import Tensor, nn

from ...functional.cross_rank import gather_rows
from ...functional.hardnet import (HardnetDistances, check_pairs, contrastive_loss,
                                   hardnet_distances, hardnet_statistics)
from ...registry import MODELS


@MODELS.register_module()
class HardnetLoss(nn.Module):
    """Contrastive loss of pairs of views against the hardest negatives of the batch
    ("Multiview-consistent semi-supervised learning for 3D human pose estimation", Eq. 1 and 2).

    In distributed training the batch is that of all ranks: every pair has the negatives, every rank
    the value and, after the averaging of ``DistributedDataParallel``, every parameter the
    gradient that one process with all pairs would have. Ranks may have different numbers of pairs.

    Args:
        beta: What is at this distance or nearer is no negative.
        alpha: Margin, above ``beta``: negatives beyond it cost nothing.
        gather: Look for negatives in the pairs of all ranks; no effect without distributed
            training. Instants must then mean the same on all ranks (an index into the data set, not
            into the batch), and either all ranks give them or none.
        loss_weight: Factor on the result.
        reduction: ``'mean'`` over pairs (the paper), or ``'sum'``.
    """

    def __init__(self, beta: float = 0.3, alpha: float = 0.6, gather: bool = True,
                 loss_weight: float = 1., reduction: str = 'mean') -> None:
        super().__init__()
        self.beta, self.alpha, self.gather = beta, alpha, gather
        self.loss_weight, self.reduction = loss_weight, reduction

    def forward(self, anchors: Tensor, positives: Tensor, instants: Optional[Tensor] = None
                ) -> Tensor:
        """Embeddings ``(m, D)`` twice and the instants of the pairs ``(m,)`` to a scalar, see
        :func:`~mmviewpose.functional.hardnet.hardnet_loss`; in its errors, rows of all ranks are
        counted one rank after the other."""
        return self._loss(self._distances(anchors, positives, instants))

    def with_statistics(self, anchors: Tensor, positives: Tensor,
                        instants: Optional[Tensor] = None) -> Tuple[Tensor, Dict[str, Tensor]]:
        """The loss, and what is worth logging of the same batch, see
        :func:`~mmviewpose.functional.hardnet.hardnet_statistics`; mmengine logs these as they are,
        since no name contains "loss"."""
        distances = self._distances(anchors, positives, instants)
        return self._loss(distances), hardnet_statistics(distances)

    def _loss(self, distances: HardnetDistances) -> Tensor:
        return self.loss_weight * contrastive_loss(distances, self.alpha, self.reduction)

    def _distances(self, anchors: Tensor, positives: Tensor, instants: Optional[Tensor]
                   ) -> HardnetDistances:
        if self.gather:
            check_pairs(anchors, positives, instants)
            known = [] if instants is None else [instants]
            anchors, positives, *known = gather_rows(anchors, positives, *known)
            instants = known[0] if known else None
        return hardnet_distances(anchors, positives, instants, self.beta)
