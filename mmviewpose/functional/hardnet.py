"""Multi-view-consistent metric learning with the hardest negatives of a batch.

R. Mitra et al., "Multiview-consistent semi-supervised learning for 3D human pose estimation", 2020
(the paper), Sec. 3.1, after Hardnet (A. Mishchuk et al., 2017).
"""
from typing import Dict, NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from .reduction import reduce, safe_norm


class HardnetDistances(NamedTuple):
    """Distances of m pairs, in the unit of the embeddings.

    Attributes:
        positive: Between the two of a pair, D(i, i) of the paper, ``(m,)``.
        negative: Of a pair's anchor or positive, whichever is nearer, to its hardest negative,
            D_min of Eq. 1, ``(m,)``; infinite where the batch has no negative for the pair.
    """
    positive: Tensor
    negative: Tensor


def hardnet_loss(anchors: Tensor,
                 positives: Tensor,
                 instants: Optional[Tensor] = None,
                 beta: float = 0.3,
                 alpha: float = 0.6,
                 reduction: str = 'mean') -> Tensor:
    """Contrastive loss of pairs against the hardest negatives in the batch: Eq. 1 and 2.

    ``D(i, i) + max(0, alpha - D_min)``, see :func:`hardnet_distances` for the two distances. A pair
    without a negative has only the first term, and a batch of one pair is such a pair. With
    ``alpha <= beta`` no negative counts, and nothing holds the embeddings apart.

    Args:
        anchors: Embeddings ``(m, D)``, in the paper of length 1.
        positives: Embeddings ``(m, D)`` of the same moments seen by another camera.
        instants: The moment of each pair, ``(m,)``; None if all pairs are of different ones.
        beta: What is at this distance or nearer is no negative.
        alpha: Margin: negatives beyond it cost nothing.
        reduction: ``'mean'`` over pairs (the paper), ``'sum'``, or ``'none'`` for ``(m,)``.

    Returns:
        The loss in the unit of the embeddings. Its gradient is finite, and 0 in what is equal.

    Raises:
        ValueError: Shapes that do not fit, no pair at all, an embedding that is not finite, a
            negative ``alpha`` or ``beta``, an unknown ``reduction``.
    """
    return contrastive_loss(hardnet_distances(anchors, positives, instants, beta), alpha, reduction)


def contrastive_loss(distances: HardnetDistances, alpha: float = 0.6, reduction: str = 'mean'
                     ) -> Tensor:
    """Eq. 2 from the distances of Eq. 1; arguments as for :func:`hardnet_loss`."""
    if not alpha >= 0:
        raise ValueError(f'alpha must not be negative, got {alpha}')
    return reduce(distances.positive + (alpha - distances.negative).relu(), reduction)


def hardnet_statistics(distances: HardnetDistances) -> Dict[str, Tensor]:
    """What is worth logging of a batch, without gradient.

    Returns:
        ``positive_distance``: mean distance of the two of a pair; ``negative_distance``: mean
        distance to the hardest negative, of the pairs that have one (0 where none has);
        ``without_negative``: share of the pairs that have none, 0 to 1.
    """
    positive, negative = (values.detach() for values in distances)
    missing = negative.isinf()
    return dict(positive_distance=positive.mean(),
                negative_distance=reduce(negative.masked_fill(missing, 0.), weight=~missing),
                without_negative=missing.to(negative.dtype).mean())


def hardnet_distances(anchors: Tensor,
                      positives: Tensor,
                      instants: Optional[Tensor] = None,
                      beta: float = 0.3) -> HardnetDistances:
    """Distances of pairs and of their hardest negatives: Eq. 1.

    The negatives of pair i are the positives j of other pairs for its anchor, D(i, j), and the
    anchors k of other pairs for its positive, D(k, i); the hardest is the nearest of all. Pairs of
    one instant are no negatives of each other, nor is what is at the distance beta or nearer.
    (Eq. 1 as printed multiplies what is left out by 0, which argmin would then choose.)

    The search needs memory for m x m numbers and takes no part in the gradient, which flows
    through the 2 m distances that were found.

    Args:
        anchors, positives, instants, beta: As for :func:`hardnet_loss`. Below float32 the
            embeddings are taken as float32, under autocast too.

    Raises:
        ValueError: As for :func:`hardnet_loss`.
    """
    check_pairs(anchors, positives, instants)
    _check_values(anchors, positives)
    if not beta >= 0:
        raise ValueError(f'beta must not be negative, got {beta}')
    if anchors.dtype not in (torch.float32, torch.float64):
        anchors, positives = anchors.float(), positives.float()
    anchor_of, positive_of, found = _hardest_pairs(anchors, positives, instants, beta)
    negative = safe_norm(anchors.index_select(0, anchor_of)
                         - positives.index_select(0, positive_of))
    return HardnetDistances(safe_norm(anchors - positives),
                            negative.masked_fill(~found, float('inf')))


def check_pairs(anchors: Tensor, positives: Tensor, instants: Optional[Tensor] = None) -> None:
    """Refuse what are not embeddings ``(m, D)`` twice and instants ``(m,)``.

    Raises:
        ValueError: Shapes that do not fit, or embeddings that are not floating point.
    """
    if anchors.dim() != 2 or anchors.shape != positives.shape or not anchors.shape[1]:
        raise ValueError('anchors and positives must be embeddings (m, D) both, got '
                         f'{tuple(anchors.shape)} and {tuple(positives.shape)}')
    if anchors.dtype != positives.dtype or not anchors.is_floating_point():
        raise ValueError('anchors and positives must be of one floating-point type, got '
                         f'{anchors.dtype} and {positives.dtype}')
    if instants is not None and instants.shape != anchors.shape[:1]:
        raise ValueError(f'{len(anchors)} pairs want instants ({len(anchors)},), got '
                         f'{tuple(instants.shape)}')


def _check_values(anchors: Tensor, positives: Tensor) -> None:
    if not len(anchors):
        raise ValueError('there are no pairs: the loss needs at least one')
    # one number says that all is well, so that a GPU is waited for once
    if torch.isfinite(anchors.detach().sum() + positives.detach().sum()):
        return
    for name, embeddings in (('anchors', anchors), ('positives', positives)):
        rows = (~embeddings.isfinite().all(1)).nonzero().flatten().tolist()
        if rows:
            raise ValueError(f'{name}: the embedding in row {rows[0]} is not finite '
                             f'({len(rows)} of {len(embeddings)} rows)')


@torch.no_grad()
def _hardest_pairs(anchors: Tensor, positives: Tensor, instants: Optional[Tensor], beta: float
                   ) -> Tuple[Tensor, Tensor, Tensor]:
    """For each pair the anchor and the positive between which D_min is, ``(m,)`` each, and whether
    there is any; at a tie of the two the pair's own anchor counts."""
    distances = _squared_distances(anchors, positives)
    distances.masked_fill_(_no_negatives(distances, instants, beta), float('inf'))
    to_positive, column = distances.min(1)
    to_anchor, row = distances.min(0)
    own = torch.arange(len(row), device=row.device)
    by_row = to_positive <= to_anchor
    found = torch.minimum(to_positive, to_anchor) < float('inf')
    return torch.where(by_row, own, row), torch.where(by_row, column, own), found


def _squared_distances(anchors: Tensor, positives: Tensor) -> Tensor:
    """``(m, m)`` in float64, less by the bound of their rounding error.

    As a matrix product they are many times faster than one by one, but equal embeddings come out
    as the root of the error; in float64 that is what single precision calls equal. Less by the
    error, they and what is exactly at beta stay on the near side. Neither autocast nor TF32
    touches float64.
    """
    first, second = anchors.double(), positives.double()
    squares = first.square().sum(1)[:, None] + second.square().sum(1)
    error = anchors.shape[1] * torch.finfo(torch.float64).eps
    return squares.addmm_(first, second.t(), beta=1 - error, alpha=-2)


def _no_negatives(squared: Tensor, instants: Optional[Tensor], beta: float) -> Tensor:
    """Which anchors (rows) and positives (columns) are not each other's negatives."""
    excluded = squared <= beta**2
    if instants is not None:
        excluded |= instants[:, None] == instants
    return excluded.fill_diagonal_(True)
