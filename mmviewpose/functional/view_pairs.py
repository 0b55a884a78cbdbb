"""Distances between all pairs of views after alignment, as one function with its own backward.

Autograd would keep, and walk through again, some twenty arrays of the size of the input for every
pair of views. Instead:

- points lie innermost, ``(N, rows, M)``; a last axis of length 3 costs several times as much;
- what runs over points is a product of a small matrix with a long one, for all pairs at once: the
  sums that the transforms are fitted to, the residuals, and the gradient, which is linear in the
  points and the unit residuals;
- what is small is float64, and is gathered and scattered by one index, since at two views the
  number of operations costs as much as the points do.

The long products are written with ``out=`` or in place, which autocast leaves alone.
"""
from functools import lru_cache
from itertools import combinations
from typing import List, NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from .similarity_fit import SimilarityFit


class PairTables(NamedTuple):
    """Flat indices of the small matrices of pairs (a, b) in large ones, pair after pair.

    The large ones have the rows of :func:`_lay_out` on their sides: its rows (1, then x, y, z of
    each view), its factors (the same or, with weights, c, then c x, then c |x|^2 of each view), or
    those of the residuals (x, y, z of each pair).
    """
    num_linear: int  # factors without those that are quadratic in the points
    pairs: Tensor  # (P,): into (V, V)
    sources: Tensor  # (P,): a
    targets: Tensor  # (P,): b
    sums: Tensor  # (P * 17 or 19,): into products of factors with factors
    alignments: Tensor  # (P * 12,): into products of unit residuals with rows
    residuals: Tensor  # (P * 12,): into maps of rows to residuals
    constant: Tensor  # the part of those maps that is constant, flat
    gradients: Tensor  # (P * 36 or 39,): into maps of factors and unit residuals to gradients


@lru_cache(maxsize=None)
def pair_tables(num_views: int, weighted: bool, device: torch.device) -> PairTables:
    pairs = list(combinations(range(num_views), 2))
    width = 3 * num_views + 1
    inner = width - 3  # without the last view, which is never a source
    lead = num_views if weighted else 1  # factors before the first x
    linear = lead + 3 * num_views
    sums: List[int] = []
    alignments: List[int] = []
    residuals: List[int] = []
    gradients: List[int] = []
    constant = torch.zeros(3 * len(pairs), width, dtype=torch.float64)

    for pair, (a, b) in enumerate(pairs):
        unit = range(3 * pair, 3 * pair + 3)
        homogeneous = [*range(1 + 3 * a, 4 + 3 * a), 0]
        alignments += [i * inner + j for i in unit for j in homogeneous]
        residuals += [i * width + j for i in unit for j in homogeneous]
        constant[list(unit), [1 + 3 * b + i for i in range(3)]] = -1
        one_a, one_b = (a, b) if weighted else (0, 0)
        source = range(lead + 3 * a, lead + 3 * a + 3)
        target = range(lead + 3 * b, lead + 3 * b + 3)
        step = linear - 3
        sums += [i * step + j for i in [*target, one_b] for j in [*source, one_a]]
        sums += [(linear + a) * step + b] if weighted else [j * step + j for j in source]
        step = linear + 3 * len(pairs)
        gradients += [(i - lead) * step + j for i in target for j in source]
        gradients += [(i - lead) * step + one_a for i in target]
        gradients += [(j - lead) * step + i for i in target for j in source]
        gradients += [(j - lead) * step + one_b for j in source]
        gradients += [(j - lead) * step + linear + i for i in unit for j in source]
        gradients += [(i - lead) * step + linear + j for i, j in zip(target, unit)]
        gradients += [] if weighted else [(j - lead) * step + j for j in source]

    with torch.inference_mode(False):
        return PairTables(linear, *(torch.as_tensor(table, device=device) for table in (
            [a * num_views + b for a, b in pairs], [a for a, _ in pairs], [b for _, b in pairs],
            sums, alignments, residuals, constant.flatten(), gradients)))


def _lay_out(points: Tensor, weight: Optional[Tensor]) -> Tuple[Tensor, Tensor, Tensor]:
    """Points about an origin near their middle.

    Args:
        points: ``(N, V, M, 3)``.
        weight: c, ``(N, V, M)``.

    Returns:
        Rows of ones, then x, y, z of each view, ``(N, 3 V + 1, M)``; the factors whose products
        are summed: the same rows or, with weights, c (V), c x (3 V) and c |x|^2 (V); and the
        origin ``(N, V, 3)``.
    """
    num_groups, num_views, num_points, _ = points.shape
    rows = points.new_empty(num_groups, 3 * num_views + 1, num_points)
    rows[:, 0] = 1
    block = rows[:, 1:].unflatten(1, (num_views, 3))
    some = points[:, :, ::max(1, num_points // 16)]
    if weight is None:
        origin = some.mean(2)
        torch.sub(points.transpose(2, 3), origin.unsqueeze(-1), out=block)
        return rows, rows, origin
    share = weight[:, :, ::max(1, num_points // 16)].unsqueeze(-1)
    origin = (some * share).masked_fill(share == 0, 0.).sum(2)
    origin = origin / share.sum(2).clamp(min=torch.finfo(weight.dtype).tiny)
    torch.sub(points.transpose(2, 3), origin.unsqueeze(-1), out=block)
    block.masked_fill_((weight == 0).unsqueeze(2), 0.)
    factors = points.new_empty(num_groups, 5 * num_views, num_points)
    factors[:, :num_views] = weight
    weighted = factors[:, num_views:4 * num_views].unflatten(1, (num_views, 3))
    torch.mul(block, weight.unsqueeze(2), out=weighted)
    squares = factors[:, 4 * num_views:]
    torch.mul(weighted[:, :, 0], block[:, :, 0], out=squares)
    squares.addcmul_(weighted[:, :, 1], block[:, :, 1]).addcmul_(weighted[:, :, 2], block[:, :, 2])
    return rows, factors, origin


class AlignedDistances(torch.autograd.Function):
    """Sum over pairs of ``share * sum_i c_a c_b ||tau(x_a) - x_b||``, a number a group.

    Points are ``(N, V, M, 3)``, each group with transforms of its own; weights c ``(N, V, M)`` or
    None; shares ``(N, P)``.
    """

    @staticmethod
    def forward(ctx, points: Tensor, weight: Optional[Tensor], share: Tensor,
                with_transform: bool, with_gradient: bool) -> Tensor:
        num_groups, num_views, num_points, _ = points.shape
        num_pairs, limits = share.shape[1], torch.finfo(points.dtype)
        tables = pair_tables(num_views, weight is not None, points.device)
        rows, factors, origin = _lay_out(points, weight)
        inner = factors[:, :tables.num_linear - 3]
        sums = points.new_empty(num_groups, factors.shape[1], inner.shape[1])
        torch.bmm(factors, inner.transpose(1, 2), out=sums)
        sums = sums.flatten(1).index_select(1, tables.sums).double()
        place = origin.square().sum(-1).double().index_select(1, tables.sources)
        fit = SimilarityFit(sums.view(num_groups * num_pairs, -1), place.view(-1, 1, 1),
                            limits.eps, with_gradient)

        maps = torch.cat([fit.matrix, fit.offset], 2).view(num_groups, -1)
        maps = tables.constant.expand(num_groups, -1).index_copy(1, tables.residuals, maps)
        maps = maps.to(points.dtype).view(num_groups, 3 * num_pairs, -1)
        units = points.new_empty(num_groups, 3 * num_pairs, num_points)
        torch.bmm(maps, rows, out=units)
        residuals = units.unflatten(1, (num_pairs, 3))
        x, y, z = residuals.unbind(2)
        distances = (x * x).addcmul_(y, y).addcmul_(z, z).sqrt_()
        if weight is None:
            values = distances.sum(-1)
            scaling = distances.clamp_(min=limits.tiny**0.5).reciprocal_()
        else:
            scaling = weight.index_select(1, tables.sources)
            scaling *= weight.index_select(1, tables.targets)
            values = (distances * scaling).sum(-1)
            scaling /= distances.clamp_(min=limits.tiny**0.5)
        if with_gradient:
            residuals *= scaling.unsqueeze(2)
            alignments = None
            if with_transform:
                inner = rows[:, :-3].transpose(1, 2)
                alignments = points.new_empty(num_groups, 3 * num_pairs, inner.shape[2])
                torch.bmm(units, inner, out=alignments)
            ctx.save_for_backward(rows, factors, units, weight, share, alignments)
            ctx.fit, ctx.tables = fit, tables
        return (values * share).sum(-1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, factor: Tensor) -> Tuple[Optional[Tensor], ...]:
        rows, factors, units, weight, share, alignments = ctx.saved_tensors
        num_groups, num_pairs = share.shape
        num_views, num_points = rows.shape[1] // 3, rows.shape[2]
        share = (share * factor.unsqueeze(1)).view(-1, 1, 1).double()
        if alignments is None:
            of_maps = share.new_zeros(len(share), 3, 4)
        else:
            of_maps = alignments.flatten(1).index_select(1, ctx.tables.alignments)
            of_maps = share * of_maps.view(-1, 3, 4)
        of_covariance, of_target, of_source, of_spread = ctx.fit.of_sums(of_maps)
        terms = [of_covariance, of_target, of_covariance, of_source, share * ctx.fit.matrix,
                 share.neg().expand(-1, 3, 1)]
        if weight is None:
            terms.append(of_spread.expand(-1, 3, 1))
        linear = ctx.tables.num_linear
        maps = share.new_zeros(num_groups, 3 * num_views * (linear + 3 * num_pairs))
        maps.index_add_(1, ctx.tables.gradients,
                        torch.cat([term.flatten(1) for term in terms], 1).view(num_groups, -1))
        maps = maps.to(rows.dtype).view(num_groups, 3 * num_views, -1)

        columns = rows.new_empty(num_groups, 3 * num_views, num_points)
        torch.bmm(maps[:, :, :linear], factors[:, :linear], out=columns)
        if weight is not None:
            spreads = share.new_zeros(num_groups, num_views**2).index_copy_(
                1, ctx.tables.pairs, of_spread.view(num_groups, -1))
            spreads = spreads.to(rows.dtype).view(num_groups, num_views, num_views)
            spread = torch.bmm(spreads, weight, out=torch.empty_like(weight)).unsqueeze(2)
            block = rows[:, 1:].unflatten(1, (num_views, 3))
            columns.view_as(block).addcmul_(block, spread).mul_(weight.unsqueeze(2))
        columns.baddbmm_(maps[:, :, linear:], units)
        columns = columns.unflatten(1, (num_views, 3)).transpose(2, 3)
        return columns.contiguous(), None, None, None, None
