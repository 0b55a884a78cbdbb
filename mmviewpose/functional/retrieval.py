"""Retrieval of poses by their embeddings, and how good it is.

R. Mitra et al., "Multiview-consistent semi-supervised learning for 3D human pose estimation"
(2020), Sec. 6: the nearest embeddings are looked for among images of other views, and judged by
the PA-MPJPE between their poses and that of the query.
"""
from typing import Callable, Dict, NamedTuple, Optional, Sequence, Tuple

import torch
from torch import Tensor

from .pose_errors import mpjpe, pa_mpjpe

Labels = Tuple[Tensor, Tensor]
Report = Callable[[int], object]

_CHUNK = 1 << 20        # entries of a matrix of distances that exist at one time
_PAIRS = 1 << 14        # pairs of poses that are aligned at one time
_SPARE = 4              # candidates beyond k whose distances are found again without rounding


@torch.no_grad()
def nearest(queries: Tensor, gallery: Tensor, k: int, excluded: Sequence[Labels] = (),
            chunk: int = _CHUNK) -> Tuple[Tensor, Tensor]:
    """The k nearest of a gallery, by Euclidean distance.

    Candidates come from matrix products; those that may be among the nearest are measured again
    in float64. So neither rounding nor the size of the chunks changes the order, and of candidates
    at the same distance that with the smaller index comes first.

    Args:
        queries: Embeddings ``(N, D)``.
        gallery: Embeddings ``(G, D)``.
        k: Neighbours of a query.
        excluded: Pairs of whole-number labels of queries ``(N,)`` and candidates ``(G,)``, as of
            the view, the subject or the item itself. A candidate is left out for a query where
            the two labels of any pair are equal.
        chunk: Entries of the matrix of distances to hold at one time. Memory is ``N k`` for the
            result, the gallery, and a few times this.

    Returns:
        Distances and indices into the gallery, ``(N, k)`` each, nearest first.

    Raises:
        ValueError: Wrong shapes, an embedding that is not finite (names its row), or a query with
            fewer than k candidates that are allowed (names it).
    """
    _check_embeddings(queries, gallery)
    _check_excluded(excluded, len(queries), len(gallery))
    _check_count(k, len(queries), len(gallery))
    dtype = torch.promote_types(queries.dtype, torch.float32)
    # About their centre: the products then cancel as little as they can.
    centre = gallery.to(dtype).mean(0)
    centred = gallery.to(dtype) - centre
    squares = centred.square().sum(1)
    distances = queries.new_empty(len(queries), k)
    indices = torch.empty(len(queries), k, dtype=torch.long, device=queries.device)
    buffer = _buffer(chunk, len(queries), centred)
    for rows in _row_chunks(len(queries), len(buffer)):
        query = queries[rows].to(dtype) - centre
        # squared distances without the square of the query, which moves all its candidates alike
        scores = torch.addmm(squares, query, centred.t(), alpha=-2, out=buffer[:len(query)])
        _leave_out(scores, rows, excluded)
        found, order = scores.topk(min(k + _SPARE, len(gallery)), largest=False)
        _check_enough(found[:, k - 1].isfinite(), rows, scores, k)
        slack = _rounding(query, squares)
        limit = found[:, k - 1] + slack
        distances[rows], indices[rows] = _measure(queries[rows], gallery, order, found.isfinite(),
                                                  k)
        # many at one distance, as of an embedding that has collapsed: all of them have a chance
        if order.shape[1] < len(gallery):
            for row in (found[:, -1] <= limit).nonzero()[:, 0].tolist():
                near = (scores[row] <= limit[row]).nonzero().t()
                place = rows.start + row
                distances[place], indices[place] = _measure(
                    queries[place:place + 1], gallery, near, torch.ones_like(near).bool(), k)
    return distances, indices


def _buffer(chunk: int, num_queries: int, gallery: Tensor) -> Tensor:
    return gallery.new_empty(max(1, min(num_queries, chunk // len(gallery))), len(gallery))


def _row_chunks(count: int, step: int):
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


def _rounding(query: Tensor, squares: Tensor) -> Tensor:
    """How far the difference of two of a query's squared distances may be off, ``(n,)``.

    Several times what a product of D terms rounds by, whose errors add as their root.
    """
    eps = torch.finfo(query.dtype).eps
    return 8 * eps * (query.shape[1]**.5 + 4) * (query.square().sum(1) + squares.max())


def _measure(queries: Tensor, gallery: Tensor, candidates: Tensor, allowed: Tensor, k: int
             ) -> Labels:
    """The k nearest of candidates ``(n, m)``, in float64 and at ties by index."""
    candidates, order = candidates.sort(1)
    # without products of matrices, which would round; one pass where difference and sum take three
    distances = torch.cdist(queries[:, None].double(), gallery[candidates].double(),
                            compute_mode='donot_use_mm_for_euclid_dist')[:, 0]
    distances.masked_fill_(~allowed.gather(1, order), float('inf'))
    distances, order = distances.sort(dim=1, stable=True)
    return distances[:, :k].to(queries.dtype), candidates.gather(1, order[:, :k])


def _check_embeddings(queries: Tensor, gallery: Tensor) -> None:
    if queries.dim() != 2 or gallery.dim() != 2 or queries.shape[1] != gallery.shape[1]:
        raise ValueError('queries and gallery must be (N, D) and (G, D), got '
                         f'{tuple(queries.shape)} and {tuple(gallery.shape)}')
    for name, values in (('query', queries), ('gallery', gallery)):
        _check_finite(f'{name} embedding', values)


def _check_finite(name: str, values: Tensor) -> None:
    finite = values.flatten(1).isfinite().all(1)
    if not finite.all():
        row = (~finite).nonzero()[0].item()
        raise ValueError(f'{name} {row} is not finite (NaN or infinite)')


def _check_excluded(excluded: Sequence[Labels], num_queries: int, num_candidates: int) -> None:
    for place, labels in enumerate(excluded):
        shapes = tuple(tuple(values.shape) for values in labels)
        if shapes != ((num_queries, ), (num_candidates, )):
            raise ValueError(f'labels {place} to exclude by must be ({num_queries},) and '
                             f'({num_candidates},), got {shapes}')
        if any(values.is_floating_point() for values in labels):
            raise ValueError(f'labels {place} to exclude by must be whole numbers')


def _check_count(k: int, num_queries: int, num_candidates: int) -> None:
    if k < 1:
        raise ValueError(f'k must be at least 1, got {k}')
    if num_queries and k > num_candidates:
        raise ValueError(f'query 0 has {num_candidates} candidates, k is {k}')


def _check_enough(enough: Tensor, rows: slice, scores: Tensor, k: int) -> None:
    """``scores`` of chunk ``rows`` are infinite where a candidate is left out."""
    if not enough.all():
        row = (~enough).nonzero()[0].item()
        raise ValueError(f'query {rows.start + row} has {scores[row].isfinite().sum().item()} '
                         f'candidates that are allowed, k is {k}')


def _leave_out(scores: Tensor, rows: slice, excluded: Sequence[Labels]) -> None:
    """Make ``scores`` ``(n, G)`` of chunk ``rows`` infinite where a candidate is left out."""
    for of_query, of_candidate in excluded:
        scores.masked_fill_(of_query[rows, None] == of_candidate, float('inf'))


# ---------------------------------------------------------------------------------------
# Poses


def pa_mpjpe_of(poses_q: Tensor, poses_g: Tensor, indices: Tensor) -> Tensor:
    """PA-MPJPE between queries and what was retrieved for them.

    The retrieved pose is aligned to that of the query, which so keeps its size.

    Args:
        poses_q: Poses of the queries, ``(N, J, 3)`` mm.
        poses_g: Poses of the gallery, ``(G, J, 3)`` mm.
        indices: What was retrieved, ``(N, K)``.

    Returns:
        In mm, ``(N, K)``.
    """
    errors = poses_q.new_empty(indices.shape)
    for rows in _row_chunks(len(indices), max(1, _PAIRS // max(1, indices.shape[1]))):
        retrieved = poses_g[indices[rows]]
        errors[rows] = pa_mpjpe(retrieved, poses_q[rows, None].expand_as(retrieved),
                                reduction='sample')
    return errors


def oracle(poses_q: Tensor, poses_g: Tensor, k: int, excluded: Sequence[Labels] = (),
           report: Optional[Report] = None) -> Tuple[Tensor, Tensor]:
    """The k candidates with the lowest PA-MPJPE: the best that any embedding could retrieve.

    Args:
        poses_q: Poses of the queries, ``(N, J, 3)`` mm.
        poses_g: Poses of the gallery, ``(G, J, 3)`` mm. All of them are aligned to each query.
        k: Candidates of a query.
        excluded: As for :func:`nearest`.
        report: Called with the number of queries that were done since the last call.

    Returns:
        PA-MPJPE in mm and indices into the gallery, ``(N, k)`` each, lowest first.

    Raises:
        ValueError: A pose that is not finite, or a query with too few candidates.
    """
    _check_finite('pose of query', poses_q)
    _check_finite('pose of candidate', poses_g)
    _check_excluded(excluded, len(poses_q), len(poses_g))
    _check_count(k, len(poses_q), len(poses_g))
    lowest = poses_q.new_empty(len(poses_q), k)
    indices = torch.empty(len(poses_q), k, dtype=torch.long, device=poses_q.device)
    for rows in _row_chunks(len(poses_q), max(1, _PAIRS // len(poses_g))):
        errors = poses_q.new_zeros(rows.stop - rows.start, len(poses_g))
        _leave_out(errors, rows, excluded)
        allowed = errors.isfinite()
        _check_enough(allowed.sum(1) >= k, rows, errors, k)
        query, candidate = allowed.nonzero(as_tuple=True)
        for part, other in zip(query.split(_PAIRS), candidate.split(_PAIRS)):
            errors[part, other] = pa_mpjpe(poses_g[other], poses_q[rows][part],
                                           reduction='sample')
        errors, order = errors.sort(dim=1, stable=True)
        lowest[rows], indices[rows] = errors[:, :k], order[:, :k]
        if report is not None:
            report(len(errors))
    return lowest, indices


def random_candidates(num_queries: int, num_candidates: int, k: int,
                      excluded: Sequence[Labels] = (), seed: int = 0) -> Tensor:
    """k different candidates of each query at random, ``(N, k)``: the least to expect.

    Args:
        num_queries: N.
        num_candidates: G.
        k: Candidates of a query.
        excluded: As for :func:`nearest`.
        seed: Of the draw.

    Raises:
        ValueError: A query has fewer than k candidates that are allowed.
    """
    _check_excluded(excluded, num_queries, num_candidates)
    _check_count(k, num_queries, num_candidates)
    generator = torch.Generator().manual_seed(seed)
    indices = torch.empty(num_queries, k, dtype=torch.long)
    for rows in _row_chunks(num_queries, max(1, _CHUNK // num_candidates)):
        scores = torch.rand(rows.stop - rows.start, num_candidates, dtype=torch.float64,
                            generator=generator)
        _leave_out(scores, rows, excluded)
        _check_enough(scores.isfinite().sum(1) >= k, rows, scores, k)
        indices[rows] = scores.topk(k, largest=False).indices
    return indices


# ---------------------------------------------------------------------------------------
# Figures to report


def mean_at(errors: Tensor, ks: Sequence[int]) -> Dict[int, float]:
    """Mean-PA-MPJPE@k: the mean over queries of the mean over the k nearest (Sec. 6.1).

    Args:
        errors: PA-MPJPE of the nearest, nearest first, ``(N, K)`` mm.
        ks: Numbers of neighbours, 1 to K.

    Returns:
        mm by k.

    Raises:
        ValueError: A k outside of 1 to K, or no queries.
    """
    _check_ks(errors, ks)
    return {k: errors[:, :k].double().mean().item() for k in ks}


def hit_at(errors: Tensor, ks: Sequence[int], threshold: float) -> Dict[int, float]:
    """Hit@k: how many queries find at least one similar pose among their k nearest.

    Args:
        errors: As for :func:`mean_at`.
        ks: Numbers of neighbours, 1 to K.
        threshold: A pose is similar below this PA-MPJPE, in mm.

    Returns:
        % of the queries by k.

    Raises:
        ValueError: A k outside of 1 to K, or no queries.
    """
    _check_ks(errors, ks)
    return {k: 100 * (errors[:, :k] < threshold).any(1).double().mean().item() for k in ks}


def _check_ks(errors: Tensor, ks: Sequence[int]) -> None:
    wrong = [k for k in ks if not 1 <= k <= errors.shape[1]]
    if wrong or not len(errors):
        raise ValueError(f'k must be 1 to {errors.shape[1]} of at least one query, got '
                         f'{list(ks)} and {len(errors)} queries')


class RetrievalCase(NamedTuple):
    """Retrieval among the images of other views, by the number k of neighbours.

    Attributes:
        mean: Mean-PA-MPJPE@k in mm, of all queries.
        hit: Hit@k in %, of all queries.
        oracle: Mean-PA-MPJPE@k in mm of the best candidates, of the queries drawn for it.
        random: The same of random candidates.
        relative: Mean-PA-MPJPE@k minus the oracle's, both of the queries drawn for it (Fig. 5).
        num_queries: All queries.
        num_drawn: Queries drawn for the oracle.
    """
    mean: Dict[int, float]
    hit: Dict[int, float]
    oracle: Dict[int, float]
    random: Dict[int, float]
    relative: Dict[int, float]
    num_queries: int
    num_drawn: int


def cross_view_retrieval(embeddings: Tensor, poses: Tensor, view: Tensor, subject: Tensor,
                         ks: Sequence[int] = (1, 2, 5, 10, 20), threshold: float = 50.,
                         oracle_queries: int = 500, seed: int = 0,
                         report: Optional[Report] = None) -> Dict[str, RetrievalCase]:
    """All figures of Sec. 6.1: every image is a query, the others' views are the gallery.

    Args:
        embeddings: ``(N, D)``.
        poses: ``(N, J, 3)`` mm.
        view: Number of the camera, ``(N,)``.
        subject: Number of the person, ``(N,)``.
        ks: Numbers of neighbours.
        threshold: Of :func:`hit_at`, in mm.
        oracle_queries: Queries drawn for the oracle and the random candidates, at most; the oracle
            aligns every pose of the gallery to each.
        seed: Of the draws.
        report: Called with the number of the oracle's queries that were done, of each case.

    Returns:
        ``'same'``: among all subjects; ``'cross'``: among other subjects than the query's, if
        there are several.

    Raises:
        ValueError: One view only, lengths that differ, what is not finite, or too few candidates.
    """
    lengths = {len(values) for values in (embeddings, poses, view, subject)}
    if len(lengths) > 1:
        raise ValueError(f'embeddings, poses, view and subject differ in length: {lengths}')
    if len(view.unique()) < 2:
        raise ValueError('cross-view retrieval needs images of two views, there is view '
                         f'{view.unique().tolist()}')
    _check_finite('pose', poses)
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randperm(len(poses), generator=generator)[:oracle_queries].sort().values
    found = {'same': _case([view], embeddings, poses, ks, threshold, drawn, seed, report)}
    if len(subject.unique()) > 1:
        found['cross'] = _case([view, subject], embeddings, poses, ks, threshold, drawn, seed,
                               report)
    return found


def _case(labels: Sequence[Tensor], embeddings: Tensor, poses: Tensor, ks: Sequence[int],
          threshold: float, drawn: Tensor, seed: int, report: Optional[Report]) -> RetrievalCase:
    k = max(ks)
    _, indices = nearest(embeddings, embeddings, k, [(values, values) for values in labels])
    errors = pa_mpjpe_of(poses, poses, indices)
    excluded = [(values[drawn], values) for values in labels]
    best, _ = oracle(poses[drawn], poses, k, excluded, report)
    chance = random_candidates(len(drawn), len(poses), k, excluded, seed)
    ours, lowest = mean_at(errors[drawn], ks), mean_at(best, ks)
    return RetrievalCase(
        mean_at(errors, ks), hit_at(errors, ks, threshold), lowest,
        mean_at(pa_mpjpe_of(poses[drawn], poses, chance), ks),
        {k: ours[k] - lowest[k] for k in ks}, len(poses), len(drawn))


class DistanceByPose(NamedTuple):
    """Distance of embeddings by the distance of their poses (Fig. 6).

    Attributes:
        edges: Of the bins of MPJPE, ``(B + 1,)`` mm.
        same_view: Mean distance to candidates of the query's view, ``(B,)``; NaN where a bin is
            empty.
        other_view: The same to candidates of other views, ``(B,)``.
        same_count: Pairs in the bins, ``(B,)``.
        other_count: The same of other views, ``(B,)``.
    """
    edges: Tensor
    same_view: Tensor
    other_view: Tensor
    same_count: Tensor
    other_count: Tensor


def distance_by_pose(embeddings: Tensor, poses: Tensor, view: Tensor, subject: Tensor,
                     bins: Sequence[float], num_queries: int = 200, seed: int = 0
                     ) -> DistanceByPose:
    """Mean distance of embeddings in bins of the MPJPE of their poses (Sec. 6.2, Fig. 6).

    A query and its candidates are of one subject; the mean is over all pairs of a bin.

    Args:
        embeddings: ``(N, D)``.
        poses: Canonical poses about their root, ``(N, J, 3)`` mm: MPJPE must not see where the
            camera was.
        view: Number of the camera, ``(N,)``.
        subject: Number of the person, ``(N,)``.
        bins: Edges of the bins, increasing, ``B + 1`` in mm; the upper edge belongs to the next
            bin.
        num_queries: Queries drawn of each subject, at most.
        seed: Of the draw.

    Raises:
        ValueError: What is not finite, or edges that do not increase.
    """
    _check_finite('embedding', embeddings)
    _check_finite('pose', poses)
    edges = torch.as_tensor(bins, dtype=torch.float64)
    if edges.dim() != 1 or len(edges) < 2 or not (edges.diff() > 0).all():
        raise ValueError(f'edges of bins must be two or more that increase, got {list(bins)}')
    generator = torch.Generator().manual_seed(seed)
    count = len(edges) - 1
    # a bin each of same and other view, and one for what lies outside
    sums = torch.zeros(2, count + 1, dtype=torch.float64)
    pairs = torch.zeros(2, count + 1, dtype=torch.long)
    for person in subject.unique():
        members = (subject == person).nonzero()[:, 0]
        drawn = torch.randperm(len(members), generator=generator)[:num_queries]
        for rows in _row_chunks(len(drawn), max(1, _PAIRS // len(members))):
            query = members[drawn[rows]]
            apart = torch.cdist(embeddings[query].double(), embeddings[members].double(),
                                compute_mode='donot_use_mm_for_euclid_dist')
            error = mpjpe(poses[query][:, None], poses[members], reduction='sample').double()
            place = torch.bucketize(error, edges, right=True) - 1
            place[(place < 0) | (query[:, None] == members)] = count
            place += (count + 1) * (view[query][:, None] != view[members])
            sums.view(-1).index_add_(0, place.flatten(), apart.flatten())
            pairs.view(-1).index_add_(0, place.flatten(), torch.ones_like(place).flatten())
    means = (sums / pairs)[:, :count]
    return DistanceByPose(edges, means[0], means[1], pairs[0, :count], pairs[1, :count])
