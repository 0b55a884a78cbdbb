"""Retrieval of poses by an embedding, across views and people.

The benchmark of R. Mitra et al., "Multiview-consistent semi-supervised learning for 3D human pose
estimation", 2020 (the paper), Sec. 6: a query's nearest neighbours by the embedding among images
of other views (and, in the cross case, of other people), and how near their true poses are. What
may not be found is said by integer labels, never by an N x G matrix: everything is computed for
some queries at a time, and memory grows with the number of images, not with its square.
"""
from typing import Callable, NamedTuple, Optional, Sequence, Tuple

import torch
from torch import Tensor

from .pose_errors import mpjpe, pa_mpjpe, pairwise_pa_mpjpe

# Labels of the queries (N,) and of the gallery (G,): what has the query's label is no candidate.
Labels = Tuple[Tensor, Tensor]
Report = Callable[[int], object]

_ELEMENTS = 2**21   # numbers in a block of queries x gallery, unless the caller says otherwise
_SPARE = 8          # candidates beyond k that are measured exactly
_PAIRS = 16384      # pairs of poses that are aligned at a time


class Neighbours(NamedTuple):
    """The k nearest candidates of N queries, nearest first, those at one distance by their number.

    Attributes:
        indices: Rows of the gallery, ``(N, k)`` int64; -1 where there was no candidate left.
        distances: ``(N, k)`` float64; infinite where there was none.
    """
    indices: Tensor
    distances: Tensor


# ---------------------------------------------------------------------------------------
# Neighbours


@torch.no_grad()
def nearest(queries: Tensor, gallery: Tensor, k: int, excluded: Sequence[Labels] = (),
            chunk: Optional[int] = None, allow_fewer: bool = False) -> Neighbours:
    """Nearest neighbours by the Euclidean distance of embeddings.

    They are found by matrix products and then measured exactly, in float64: the result is that of
    sorting all distances, equal ones by the candidate's number, and does not depend on ``chunk``.

    The paper's database of other views is ``excluded=[(views, views)]`` if the queries are the
    gallery, its cross case ``excluded=[(views, views), (people, people)]``. Where a rule does not
    leave the query itself out, ``(numbers, numbers)`` does.

    Args:
        queries: ``(N, D)``.
        gallery: ``(G, D)``, of the same or of another data set.
        k: Neighbours of each query.
        excluded: Pairs of integer labels, of the queries ``(N,)`` and of the gallery ``(G,)``. A
            candidate with the query's label in any of the pairs is left out.
        chunk: Queries at a time; by default so many that a block of distances has 8 MB.
        allow_fewer: Let queries have fewer than k candidates.

    Returns:
        Neighbours and distances in the unit of the embeddings.

    Raises:
        ValueError: Shapes that do not fit, an embedding that is not finite, or a query with fewer
            than k candidates.
    """
    for name, rows in (('queries', queries), ('gallery', gallery)):
        if rows.dim() != 2 or rows.shape[1] != queries.shape[1] or not rows.is_floating_point():
            raise ValueError('queries and gallery must be embeddings (N, D) and (G, D), got '
                             f'{tuple(queries.shape)} and {tuple(gallery.shape)}')
        check_finite(rows, name)
    finder = _ExactNearest(queries, gallery)
    return _search(finder.squared, finder.smallest, queries, len(gallery), k, excluded, chunk,
                   allow_fewer)


@torch.no_grad()
def nearest_poses(queries: Tensor, gallery: Tensor, k: int, excluded: Sequence[Labels] = (),
                  chunk: Optional[int] = None, allow_fewer: bool = False,
                  report: Optional[Report] = None) -> Neighbours:
    """The oracle: neighbours by the PA-MPJPE of the true poses.

    All pairs are aligned, but of poses that are exactly the same, as those of one moment in the
    world's axes are, only one: with V views that is V^2 times fewer pairs.

    Args:
        queries: Poses ``(N, K, 3)`` mm.
        gallery: Poses ``(G, K, 3)`` mm; they are aligned to the query's.
        k, excluded, chunk, allow_fewer: As for :func:`nearest`.
        report: Called with the number of queries done after each chunk, N in all.

    Returns:
        Neighbours and their PA-MPJPE in mm.

    Raises:
        ValueError: As for :func:`nearest`.
    """
    _check_poses(queries, gallery)
    kinds, kind = queries.unique(dim=0, return_inverse=True)
    others, other = gallery.unique(dim=0, return_inverse=True)
    order = kind.argsort()  # queries of one pose come together

    def errors(rows: Tensor) -> Tensor:
        here, place = kind[rows].unique(return_inverse=True)
        found = pairwise_pa_mpjpe(others, kinds[here], _PAIRS).double()
        return found.index_select(1, other).index_select(0, place)

    return _search(errors, _smallest, queries, len(gallery), k, excluded, chunk, allow_fewer,
                   order, report)


@torch.no_grad()
def random_candidates(num_queries: int, num_gallery: int, k: int, excluded: Sequence[Labels] = (),
                      seed: int = 0, allow_fewer: bool = False) -> Tensor:
    """Chance: k candidates of each query drawn at random, none twice.

    Args:
        num_queries: N.
        num_gallery: G.
        k, excluded, allow_fewer: As for :func:`nearest`.
        seed: Of the draw.

    Returns:
        Rows of the gallery, ``(N, k)`` int64 on the CPU; -1 where there was no candidate left.

    Raises:
        ValueError: As for :func:`nearest`.
    """
    generator = torch.Generator().manual_seed(seed)
    excluded = [tuple(labels.cpu() for labels in pair) for pair in excluded]

    def draw(rows: Tensor) -> Tensor:
        return torch.rand(len(rows), num_gallery, dtype=torch.float64, generator=generator)

    return _search(draw, _smallest, torch.empty(num_queries, 0), num_gallery, k, excluded, None,
                   allow_fewer).indices


def check_finite(rows: Tensor, name: str) -> None:
    """Refuse values that are not finite.

    Raises:
        ValueError: Naming the first row.
    """
    if not torch.isfinite(rows.sum()):  # one number says that all is well
        wrong = (~rows.flatten(1).isfinite().all(1)).nonzero()[:, 0]
        if len(wrong):
            raise ValueError(f'{name}: row {wrong[0].item()} is not finite ({len(wrong)} of '
                             f'{len(rows)} rows)')


def _check_poses(queries: Tensor, gallery: Tensor) -> None:
    for name, poses in (('query poses', queries), ('gallery poses', gallery)):
        if poses.dim() != 3 or poses.shape[1:] != queries.shape[1:] or poses.shape[2] != 3:
            raise ValueError('poses of queries and gallery must be (N, K, 3) and (G, K, 3), got '
                             f'{tuple(queries.shape)} and {tuple(gallery.shape)}')
        check_finite(poses, name)


def _search(scores: Callable[[Tensor], Tensor], smallest: Callable, queries: Tensor,
            num_gallery: int, k: int, excluded: Sequence[Labels], chunk: Optional[int],
            allow_fewer: bool, order: Optional[Tensor] = None,
            report: Optional[Report] = None) -> Neighbours:
    """Search for some queries at a time.

    Args:
        scores: Gives the scores of some queries (their rows), ``(C, G)``, lower is nearer.
        smallest: Gives candidates and distances ``(C, k)`` from these scores, infinite for what is
            excluded, from k and from the rows.
        order: In which order to take the queries.
    """
    if k < 1 or (chunk is not None and chunk < 1):
        raise ValueError(f'k and chunk must be at least 1, got {k} and {chunk}')
    if not num_gallery or (k > num_gallery and not allow_fewer):
        raise ValueError(f'{k} neighbours are wanted of a gallery of {num_gallery}')
    for labels in excluded:
        if [part.shape for part in labels] != [(len(queries), ), (num_gallery, )] or any(
                part.is_floating_point() for part in labels):
            raise ValueError(f'excluded must be pairs of integer labels ({len(queries)},) and '
                             f'({num_gallery},), got '
                             f'{[(tuple(part.shape), part.dtype) for part in labels]}')
    rows = torch.arange(len(queries), device=queries.device) if order is None else order
    found = Neighbours(rows.new_full((len(queries), k), -1),
                       queries.new_full((len(queries), k), float('inf'), dtype=torch.float64))
    for some in rows.split(chunk or max(1, _ELEMENTS // num_gallery)):
        values = scores(some)
        for own, theirs in excluded:
            values.masked_fill_(own[some, None] == theirs, float('inf'))
        indices, distances = smallest(values, min(k, num_gallery), some)
        missing = distances.isinf()
        if not allow_fewer and missing[:, -1].any():
            row = missing[:, -1].nonzero()[0, 0]
            raise ValueError(
                f'query {some[row].item()} has {int(values[row].isfinite().sum())} of the {k} '
                f'candidates that are wanted: all others of the {num_gallery} in the gallery are '
                'excluded')
        found.indices[some, :indices.shape[1]] = indices.masked_fill(missing, -1)
        found.distances[some, :indices.shape[1]] = distances
        if report is not None:
            report(len(some))
    return found


def _smallest(values: Tensor, k: int, rows: Optional[Tensor] = None) -> Tuple[Tensor, Tensor]:
    """The k smallest of each row, in order, equal ones by their place: places and values."""
    found, indices = values.topk(min(k + 1, values.shape[1]), largest=False)
    if found.shape[1] > k:
        # which of equal values topk takes is its own affair
        tied = ((found[:, k - 1] == found[:, k]) & found[:, k].isfinite()).nonzero()[:, 0]
        if len(tied):
            limit, among = found[tied, k - 1:k], values[tied]
            below, equal = among < limit, among == limit
            taken = below | (equal & (equal.cumsum(1) <= k - below.sum(1, keepdim=True)))
            indices[tied, :k] = taken.nonzero()[:, 1].view(-1, k)
    indices = indices[:, :k]
    return _ordered(indices, values.gather(1, indices))


def _ordered(indices: Tensor, distances: Tensor) -> Tuple[Tensor, Tensor]:
    """Each row by distance, equal ones by index."""
    indices, order = indices.sort(1)
    distances, again = distances.gather(1, order).sort(1, stable=True)
    return indices.gather(1, again), distances


class _ExactNearest:
    """Squared distances by products, and the exactly nearest by a few of them.

    Products know a squared distance to within ``error``. The k + 8 nearest by them are measured
    exactly. Where the k-th of these is nearer than all others can be, they are the nearest;
    elsewhere (many equal distances) all that could be are measured.
    """

    def __init__(self, queries: Tensor, gallery: Tensor) -> None:
        self.queries, self.gallery = queries, gallery
        # Rounding grows with the norms: about the mean, and at most 1.
        middle = gallery.double().mean(0)
        first, second = queries.double() - middle, gallery.double() - middle
        size = max(part.square().sum(1).max().sqrt() if len(part) else 0.
                   for part in (first, second))
        self.scale = float(size) or 1.
        first, second = first / self.scale, second / self.scale
        # At any lower precision, float32 products may be bfloat16 or TF32.
        exact = torch.get_float32_matmul_precision() == 'highest'
        dtype = torch.float32 if exact else torch.float64
        self.first, self.second = first.to(dtype), second.to(dtype).t()
        self.own = first.square().sum(1)
        self.squares = second.square().sum(1).to(dtype)
        self.error = (2 * queries.shape[1] + 32) * torch.finfo(dtype).eps

    def squared(self, rows: Tensor) -> Tensor:
        """Squared distances ``(C, G)`` less the query's own square, in units of ``scale``."""
        with torch.autocast(self.first.device.type, enabled=False):
            return torch.addmm(self.squares, self.first[rows], self.second, alpha=-2)

    def smallest(self, values: Tensor, k: int, rows: Tensor) -> Tuple[Tensor, Tensor]:
        """The exactly nearest, in order: places and distances ``(C, k)``."""
        near, indices = values.topk(min(k + _SPARE, values.shape[1]), largest=False)
        indices, exact = _ordered(indices, self._measure(
            rows[:, None], indices).masked_fill(near.isinf(), float('inf')))
        indices, exact = indices[:, :k], exact[:, :k]
        if near.shape[1] < values.shape[1]:
            limit = exact[:, -1] / self.scale**2 - self.own[rows] + self.error
            unsure = ((near[:, -1] <= limit) & near[:, -1].isfinite()).nonzero()[:, 0]
            if len(unsure):
                indices[unsure], exact[unsure] = self._all_that_could_be(
                    values[unsure], limit[unsure, None], k, rows[unsure])
        return indices, exact.sqrt()

    def _all_that_could_be(self, values: Tensor, limit: Tensor, k: int, rows: Tensor
                           ) -> Tuple[Tensor, Tensor]:
        exact = values.new_full(values.shape, float('inf'), dtype=torch.float64)
        for places in (values <= limit).nonzero().split(_ELEMENTS // self.gallery.shape[1] + 1):
            row, column = places.t()
            exact[row, column] = self._measure(rows[row], column)
        return _smallest(exact, k)

    def _measure(self, rows: Tensor, places: Tensor) -> Tensor:
        """Squared distances of queries and candidates, float64."""
        return (self.queries[rows].double() - self.gallery[places].double()).square().sum(-1)


# ---------------------------------------------------------------------------------------
# How near their poses are


@torch.no_grad()
def retrieved_pa_mpjpe(queries: Tensor, gallery: Tensor, indices: Tensor) -> Tensor:
    """PA-MPJPE of the retrieved poses with the query's; of these pairs only.

    Args:
        queries: True poses of the queries, ``(N, K, 3)`` mm.
        gallery: True poses of the gallery, ``(G, K, 3)`` mm; they are aligned to the query's.
        indices: Rows of the gallery, ``(N, k)``; -1 for none.

    Returns:
        Error in mm, ``(N, k)``; NaN where there is none.

    Raises:
        ValueError: Shapes that do not fit, or poses that are not finite.
    """
    _check_poses(queries, gallery)
    if indices.dim() != 2 or len(indices) != len(queries):
        raise ValueError(f'indices must be ({len(queries)}, k), got {tuple(indices.shape)}')
    indices = indices.to(gallery.device)
    found = []
    for some, poses in zip(*(part.split(_PAIRS // max(1, indices.shape[1]) + 1)
                             for part in (indices, queries))):
        others = gallery[some.clamp(min=0).flatten()].unflatten(0, some.shape)
        found.append(pa_mpjpe(others, poses[:, None].expand_as(others), reduction='sample'))
    return torch.cat(found).masked_fill(indices < 0, float('nan'))


def mean_at(errors: Tensor, ks: Sequence[int]) -> Tensor:
    """Mean over queries of the mean over each one's K nearest, for each K.

    Args:
        errors: Of the neighbours, nearest first, ``(N, k)``; NaN where there is none.
        ks: Numbers of neighbours, 1 to k.

    Returns:
        Means ``(len(ks),)`` float64. A query with fewer neighbours counts with those that it has.

    Raises:
        ValueError: Another K, or a query without any neighbour.
    """
    _check_ks(errors, ks)
    there = ~errors.isnan()
    if not len(errors) or not there[:, 0].all():
        raise ValueError('a mean over queries needs a neighbour of each, and a query')
    sums = errors.double().masked_fill(~there, 0.).cumsum(1)
    return (sums / there.cumsum(1)).mean(0)[[k - 1 for k in ks]]


def mean_pa_mpjpe_at(queries: Tensor, gallery: Tensor, indices: Tensor, ks: Sequence[int]
                     ) -> Tensor:
    """Mean-PA-MPJPE@K (the paper, Sec. 6.1), in mm, for each K: :func:`mean_at` of
    :func:`retrieved_pa_mpjpe`, see there."""
    return mean_at(retrieved_pa_mpjpe(queries, gallery, indices), ks)


def hit_at(errors: Tensor, ks: Sequence[int], threshold: float = 50.) -> Tensor:
    """Hit@K: percentage of queries with a neighbour below a threshold among the K nearest.

    It is how J. Sun et al., "View-invariant probabilistic embedding for human pose", 2020 (Pr-VIPE)
    report retrieval, with the threshold 0.1 for NP-MPJPE: PA-MPJPE of poses that are scaled to a
    torso (pelvis over spine to neck) of length 1. Ours is for PA-MPJPE in mm; for somebody with a
    torso of 500 mm 0.1 is 50 mm. Pr-VIPE takes query and gallery from one pair of cameras at a
    time, so that its figures do not compare with those over all other views.

    Args:
        errors: PA-MPJPE of the neighbours, nearest first, ``(N, k)`` mm; NaN where there is none.
        ks: Numbers of neighbours, 1 to k.
        threshold: In mm; a neighbour at exactly this error is no hit.

    Returns:
        Percent ``(len(ks),)`` float64, 0 to 100.

    Raises:
        ValueError: Another K, or no query.
    """
    _check_ks(errors, ks)
    if not len(errors):
        raise ValueError('there is no query')
    hits = (errors < threshold).cummax(1).values
    return 100. * hits.double().mean(0)[[k - 1 for k in ks]]


def _check_ks(errors: Tensor, ks: Sequence[int]) -> None:
    if errors.dim() != 2 or not all(1 <= k <= errors.shape[1] for k in ks):
        raise ValueError(f'errors must be (N, k) and each K from 1 to k, got '
                         f'{tuple(errors.shape)} and {list(ks)}')


# ---------------------------------------------------------------------------------------
# Embedding distance against pose distance


class DistanceByPose(NamedTuple):
    """Mean embedding distance of images whose poses differ by so much (the paper, Fig. 6).

    Attributes:
        edges: Of the B bins of pose distance, ``(B + 1,)`` mm.
        same_view: Mean over queries of the mean distance to images of their view, ``(B,)``
            float64; NaN where there is none.
        other_view: The same of images of other views.
        same_view_pairs, other_view_pairs: Number of pairs in the bin, ``(B,)``.
    """
    edges: Tensor
    same_view: Tensor
    other_view: Tensor
    same_view_pairs: Tensor
    other_view_pairs: Tensor


@torch.no_grad()
def embedding_distance_by_pose(embeddings: Tensor, poses: Tensor, views: Tensor, subjects: Tensor,
                               edges: Tensor, per_subject: int = 200, seed: int = 0,
                               aligned: bool = False) -> DistanceByPose:
    """Embedding distance against pose distance, both images of one person (the paper, Sec. 6.2).

    Args:
        embeddings: ``(N, D)``.
        poses: ``(N, K, 3)`` mm. MPJPE compares them as they are: the paper's are canonical poses.
        views: Labels ``(N,)``.
        subjects: Labels ``(N,)``.
        edges: Increasing, ``(B + 1,)`` mm; a bin holds its lower edge. Pairs outside do not count.
        per_subject: Random queries of each person; all, if there are fewer images.
        seed: Of the choice.
        aligned: Bin by PA-MPJPE, for poses in any axes.

    Returns:
        Means by bin, on the CPU. No image is compared with itself.

    Raises:
        ValueError: Wrong shapes, or values that are not finite.
    """
    _check_poses(poses, poses)
    check_finite(embeddings, 'embeddings')
    edges = torch.as_tensor(edges, dtype=torch.float64)
    if {len(embeddings), len(views), len(subjects)} != {len(poses)} or embeddings.dim() != 2:
        raise ValueError('embeddings (N, D), poses (N, K, 3), views (N,) and subjects (N,) must be '
                         f'as many, got {len(embeddings)}, {len(poses)}, {len(views)} and '
                         f'{len(subjects)}')
    if edges.dim() != 1 or len(edges) < 2 or not (edges.diff() > 0).all():
        raise ValueError(f'edges must be two or more increasing numbers, got {edges.tolist()}')
    generator = torch.Generator().manual_seed(seed)
    found = []  # by queries (C, 2, B)
    for subject in subjects.unique():
        images = (subjects == subject).nonzero()[:, 0]
        chosen = torch.randperm(len(images), generator=generator)[:per_subject].to(images.device)
        for rows in images[chosen].split(max(1, _ELEMENTS // (8 * len(images)))):
            found.append(_by_bin(embeddings, poses, views, rows, images, edges, aligned))
    sums, counts = (torch.cat(parts) for parts in zip(*found))
    means = (sums / counts).nanmean(0)  # no pair: 0 / 0
    return DistanceByPose(edges, *means, *counts.sum(0))


def _by_bin(embeddings: Tensor, poses: Tensor, views: Tensor, rows: Tensor, images: Tensor,
            edges: Tensor, aligned: bool) -> Tuple[Tensor, Tensor]:
    """Sums and numbers of embedding distances, of each query with its and with other views, by
    bin: ``(C, 2, B)`` each."""
    if aligned:
        errors = pairwise_pa_mpjpe(poses[images], poses[rows])
    else:
        errors = torch.stack([mpjpe(poses[images], pose, reduction='sample')
                              for pose in poses[rows]])
    distances = torch.cdist(embeddings[rows].double(), embeddings[images].double(),
                            compute_mode='donot_use_mm_for_euclid_dist')
    bins = len(edges) - 1
    place = torch.bucketize(errors.cpu().double(), edges, right=True) - 1  # (C, M)
    counted = ((place >= 0) & (place < bins) & (rows[:, None] != images).cpu())
    kind = (views[rows, None] != views[images]).cpu()
    place = place + bins * (kind + 2 * torch.arange(len(rows))[:, None])
    sums = torch.bincount(place[counted], distances.cpu()[counted], 2 * bins * len(rows))
    counts = torch.bincount(place[counted], minlength=2 * bins * len(rows))
    return sums.view(-1, 2, bins), counts.view(-1, 2, bins)
