"""Least-squares alignment of point sets: rotation, scale and translation.

``target ~ scale * R source + t`` in column vectors; points are stored as rows ``(..., K, 3)``.

The optimal rotation is found in closed form. With ``M = sum w b a^T`` (a source, b target, both
centred) and singular values ``s1 >= s2 >= |s3|``, s3 with the sign of ``det M``, the quantity that
the rotation maximises is ``lam = s1 + s2 + s3``. It is the largest root of the characteristic
polynomial of Horn's 4x4 key matrix (B. Horn, "Closed-form solution of absolute orientation using
unit quaternions", 1987; D. Theobald, "Rapid calculation of RMSDs using a quaternion-based
characteristic polynomial", 2005),

    (lam^2 - n)^2 - 8 lam det M - 4 ||cof M||^2 = 0,      n = ||M||^2,

and the rotation is its derivative with respect to M, since a maximum does not move with its
argument:

    R = ((q + n) M + lam cof M - M M^T M) / (lam q - det M),      q = (lam^2 - n) / 2.

The denominator is ``(s1 + s2)(s1 + s3)(s2 + s3)``: it vanishes for collinear and collapsed points
and at the ambiguity of mirrored ones, and such rows go through a singular value decomposition.
Everything on 3x3 matrices is float64 on normalised input, and the axis of the samples is innermost
(``(K, 3, N)``): a last axis of length 3 would cost several times as much.
"""
import math
from typing import NamedTuple, Optional, Tuple

import torch
from torch import Tensor

# Below it (of at most 1.54) the closed form loses digits: its relative error grows as
# 1e-16 / denominator^2.
_SAFE_DENOMINATOR = 1e-3
_NEWTON_STEPS = 2


class SimilarityTransform(NamedTuple):
    """``target ~ scale * rotation @ source + translation``."""
    scale: Tensor  # (...)
    rotation: Tensor  # (..., 3, 3)
    translation: Tensor  # (..., 3), unit of the points


def to_columns(points: Tensor) -> Tensor:
    """``(N, K, C)`` to ``(K, C, N)``, contiguous. One 2D transposition: permuting three axes
    takes five times as long."""
    return points.flatten(1).t().contiguous().unflatten(0, points.shape[1:])


def _cofactors(m: Tensor) -> Tensor:
    """Cofactor matrices of ``(3, 3, N)``: row i is the cross product of the other two rows."""
    return torch.stack([_cross(m[1], m[2]), _cross(m[2], m[0]), _cross(m[0], m[1])])


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return torch.stack([a[1] * b[2] - a[2] * b[1],
                        a[2] * b[0] - a[0] * b[2],
                        a[0] * b[1] - a[1] * b[0]])


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Matrix products of ``(3, 3, N)`` and ``(3, 3, N)``."""
    return a[:, :1] * b[0] + a[:, 1:2] * b[1] + a[:, 2:] * b[2]


def rotations_from_columns(m: Tensor, allow_reflection: bool = False
                           ) -> Tuple[Tensor, Tensor, Tensor]:
    """Closed-form maximiser of ``trace(R^T M)``.

    Args:
        m: Cross-covariances ``sum w target source^T``, ``(3, 3, N)`` float64.
        allow_reflection: Maximise over all orthogonal matrices, not over proper rotations only.

    Returns:
        Rotations ``(3, 3, N)``, the maximum ``(N,)``, and True where the two can be relied on.
    """
    norm = m.square().sum((0, 1)).sqrt()
    positive = norm > 0
    m = m / torch.where(positive, norm, torch.ones_like(norm))
    if allow_reflection:
        determinant = (m[0] * _cross(m[1], m[2])).sum(0)
        sign = torch.where(determinant < 0, -1., 1.).to(m.dtype)
        m = m * sign
    cofactors = _cofactors(m)
    determinant = (m[0] * cofactors[0]).sum(0)
    squared = cofactors.square().sum((0, 1))

    # Squared singular values are the roots of x^3 - x^2 + squared x - det^2; their trigonometric
    # form has an absolute error near 1e-16, so that of lam is 1e-8 at worst: a start that two
    # steps of Newton's method bring to full precision.
    radius = (1 - 3 * squared).clamp(min=0).sqrt() / 3
    cosine = (1 / 27 - squared / 6 + determinant.square() / 2) / radius.clamp(min=1e-100)**3
    angle = cosine.clamp(-1, 1).acos() / 3
    lam = sum((1 / 3 + 2 * radius * (angle + shift).cos()).clamp(min=0).sqrt() * factor
              for shift, factor in ((0, 1), (-2 * math.pi / 3, 1),
                                    (2 * math.pi / 3, determinant.sign())))
    for _ in range(_NEWTON_STEPS):
        q = 0.5 * (lam * lam - 1)
        slope = 2 * (lam * q - determinant)
        step = (q * q - 2 * lam * determinant - squared) / slope
        # a step on a vanishing slope could end anywhere, even where the slope looks well
        lam = lam - torch.where(slope > 0.1 * _SAFE_DENOMINATOR, step, torch.zeros_like(step))
    q = 0.5 * (lam * lam - 1)
    denominator = lam * q - determinant
    rotations = (q + 1) * m + lam * cofactors - _product(m, _product(m.transpose(0, 1), m))
    rotations = rotations / denominator
    if allow_reflection:
        rotations = rotations * sign
    return rotations, lam * norm, positive & (denominator > _SAFE_DENOMINATOR)


def _svd_rotations(m: Tensor, allow_reflection: bool) -> Tensor:
    """The rotations of :func:`rotations_from_columns`, for ``(3, 3, N)`` of any condition.

    The zero matrix gives the identity; a matrix that is not finite gives NaN.
    """
    m = m.permute(2, 0, 1)
    finite = m.isfinite().all(-1).all(-1)
    u, s, vh = torch.linalg.svd(torch.where(finite[:, None, None], m, torch.zeros_like(m)))
    sign = torch.ones_like(s)
    if not allow_reflection:
        sign[:, 2] = torch.where(torch.linalg.det(u) * torch.linalg.det(vh) < 0, -1., 1.).to(s)
    rotations = (u * sign[:, None]) @ vh
    identity = torch.eye(3, dtype=m.dtype, device=m.device)
    rotations = torch.where((s[:, 0] > 0)[:, None, None], rotations, identity)
    return rotations.masked_fill(~finite[:, None, None], float('nan')).permute(1, 2, 0)


class _OptimalRotation(torch.autograd.Function):
    """Rotation of any ``(3, 3, N)`` with a backward that is finite for all of them.

    With ``M = R S`` (S symmetric), ``dR = R [w]_x`` where ``(tr(S) I - S) w`` is the axial vector
    of ``R^T dM - dM^T R``. The eigenvalues of that matrix are the sums s_i + s_j, never the
    differences that the backward of an SVD divides by; where a sum vanishes the rotation is
    free about an axis, and its derivative about it is set to 0.
    """

    _FREE = 1e-6  # of the largest sum: below, the axis counts as free

    @staticmethod
    def forward(ctx, m: Tensor, allow_reflection: bool) -> Tensor:
        rotations, _, reliable = rotations_from_columns(m, allow_reflection)
        if not reliable.all():
            rows = (~reliable).nonzero()[:, 0]
            rotations[:, :, rows] = _svd_rotations(m[:, :, rows], allow_reflection)
        ctx.save_for_backward(m, rotations, reliable)
        return rotations

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient: Tensor) -> Tuple[Tensor, None]:
        m, rotations, reliable = ctx.saved_tensors
        transposed = rotations.transpose(0, 1)
        axial = _axial(_product(transposed, gradient))
        stretch = _product(transposed, m)
        stretch = 0.5 * (stretch + stretch.transpose(0, 1))
        identity = torch.eye(3, dtype=m.dtype, device=m.device)[..., None]
        sums = stretch.diagonal().sum(-1) * identity - stretch
        largest = sums.abs().amax((0, 1))
        largest = torch.where(largest > 0, largest, torch.ones_like(largest))
        sums = sums / largest
        cofactors = _cofactors(sums)
        turn = (cofactors * axial).sum(1) / (sums[0] * cofactors[0]).sum(0)
        if not reliable.all():
            rows = (~reliable).nonzero()[:, 0]
            turn[:, rows] = _OptimalRotation._solve(sums[:, :, rows], axial[:, rows])
        turn = turn / largest
        zero = torch.zeros_like(turn[0])
        skew = torch.stack([torch.stack([zero, -turn[2], turn[1]]),
                            torch.stack([turn[2], zero, -turn[0]]),
                            torch.stack([-turn[1], turn[0], zero])])
        return _product(rotations, skew), None

    @staticmethod
    def _solve(sums: Tensor, axial: Tensor) -> Tensor:
        sums = torch.nan_to_num(sums.permute(2, 0, 1))
        values, vectors = torch.linalg.eigh(sums)
        free = values <= _OptimalRotation._FREE * values[:, -1:].clamp(min=1e-100)
        inverse = torch.where(free, torch.zeros_like(values),
                              1 / torch.where(free, torch.ones_like(values), values))
        components = (vectors.transpose(1, 2) @ axial.t()[..., None])[..., 0] * inverse
        return (vectors @ components[..., None])[..., 0].t()


def _axial(m: Tensor) -> Tensor:
    """Axial vectors of ``m - m^T``."""
    return torch.stack([m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]])


class _Fit(NamedTuple):
    """A fit with the samples' axis last."""
    source: Tensor  # (K, 3, N), centred
    target: Tensor  # (K, 3, N), centred
    source_mean: Tensor  # (3, N)
    target_mean: Tensor  # (3, N)
    scale: Tensor  # (N,)
    rotation: Tensor  # (3, 3, N)
    reliable: Tensor  # (N,)


def _fit_columns(source: Tensor, target: Tensor, weight: Optional[Tensor], with_scale: bool,
                 allow_reflection: bool, closed_form: bool) -> _Fit:
    """Fit ``(K, 3, N)`` to ``(K, 3, N)`` with weights ``(K, N)``.

    With ``closed_form`` there is no branch on the data, no gradient through the rotation, and
    ``reliable`` says which rows to use; without, all rows are right, forward and backward.
    """
    if weight is None:
        source_mean, target_mean = source.mean(0), target.mean(0)
        source, target = source - source_mean, target - target_mean
        weighted, total = source, float(source.shape[0])
    else:
        total = weight.sum(0)
        weight = (weight / torch.where(total > 0, total, torch.ones_like(total)))[:, None]
        # what has no weight may be anything, NaN included
        source, target = source.masked_fill(weight == 0, 0.), target.masked_fill(weight == 0, 0.)
        source_mean, target_mean = (weight * source).sum(0), (weight * target).sum(0)
        source, target = source - source_mean, target - target_mean
        weighted, total = weight * source, 1.
    # Nine sums rather than one broadcast product, which is nine times larger than the cache likes.
    covariance = torch.stack([torch.stack([(target[:, i] * weighted[:, j]).sum(0)
                                           for j in range(3)]) for i in range(3)]).double()
    spread = sum((weighted[:, i] * source[:, i]).sum(0) for i in range(3)).double()
    # A spread of the size of the rounding of the centroid is none: fitting it would blow it up.
    rounding = 16 * torch.finfo(source.dtype).eps
    collapsed = spread <= rounding**2 * total * source_mean.detach().double().square().sum(0)

    if closed_form:
        rotation, maximum, reliable = rotations_from_columns(covariance, allow_reflection)
        reliable = reliable & ~collapsed
    else:
        rotation = _OptimalRotation.apply(covariance, allow_reflection)
        # The maximum does not move with the rotation, so none of its gradient goes that way.
        maximum = (rotation.detach() * covariance).sum((0, 1))
        identity = torch.eye(3, dtype=rotation.dtype, device=rotation.device)[..., None]
        rotation = torch.where(collapsed, identity, rotation)
        reliable = torch.ones_like(collapsed)
    one = torch.ones_like(maximum)
    scale = torch.where(collapsed, one, maximum / torch.where(collapsed, one, spread)) \
        if with_scale else one
    return _Fit(source, target, source_mean, target_mean, scale, rotation, reliable)


def _distances(source: Tensor, target: Tensor, weight: Optional[Tensor], with_scale: bool,
               allow_reflection: bool, closed_form: bool) -> Tuple[Tensor, Tensor]:
    """Distances ``(K, N)`` left after a fit of ``(N, K, 3)``, and which rows to rely on.

    The fit stays in here: what a caller could still look at, a compiler would have to write out.
    """
    fit = _fit_columns(to_columns(source), to_columns(target),
                       None if weight is None else weight.t(), with_scale, allow_reflection,
                       closed_form)
    matrix = (fit.scale * fit.rotation).to(fit.source.dtype)
    squared = 0
    for i in range(3):
        residual = fit.target[:, i]
        for j in range(3):
            residual = torch.addcmul(residual, matrix[i, j], fit.source[:, j], value=-1)
        squared = squared + residual * residual
    return squared.sqrt(), fit.reliable


def _flat(source: Tensor, target: Tensor, weight: Optional[Tensor]
          ) -> Tuple[Tensor, Tensor, Optional[Tensor]]:
    """Check shapes and merge the leading axes: ``(N, K, 3)``, ``(N, K, 3)``, ``(N, K)``."""
    if source.shape != target.shape or source.dim() < 2 or source.shape[-1] != 3:
        raise ValueError('source and target must both be (..., K, 3), got '
                         f'{tuple(source.shape)} and {tuple(target.shape)}')
    if source.shape[-2] == 0:
        raise ValueError('there is no point to align')
    if weight is not None:
        weight = weight.to(source.dtype).expand(source.shape[:-1]).reshape(-1, source.shape[-2])
    shape = (-1, *source.shape[-2:])
    return source.reshape(shape), target.reshape(shape), weight


def similarity_transform(source: Tensor,
                         target: Tensor,
                         weight: Optional[Tensor] = None,
                         with_scale: bool = True,
                         allow_reflection: bool = False) -> SimilarityTransform:
    """Least-squares transform of points to points.

    Minimises ``sum_k w_k ||target_k - (scale R source_k + t)||^2``. It can be differentiated, and
    its gradient is finite for every finite input.

    Degenerate input is defined: where all source points coincide, or no point has weight, the
    rotation is the identity and the scale 1; where all target points coincide the scale is 0; for
    collinear points one of the equally good rotations is taken. What is not finite gives NaN, in
    its own row only.

    Args:
        source: ``(..., K, 3)``, any unit.
        target: ``(..., K, 3)``.
        weight: Non-negative weights or mask of the points, ``(..., K)`` or what broadcasts to it.
            Points of weight 0 may be NaN.
        with_scale: Fit a scale; without, a rigid motion.
        allow_reflection: Let R be a reflection where that fits better.

    Returns:
        Scale ``(...)``, rotation ``(..., 3, 3)``, translation ``(..., 3)``.

    Raises:
        ValueError: If the shapes do not fit.
    """
    lead = source.shape[:-2]
    source, target, weight = _flat(source, target, weight)
    fit = _fit_columns(to_columns(source), to_columns(target),
                       None if weight is None else weight.t(), with_scale, allow_reflection,
                       closed_form=False)
    moved = (fit.rotation * fit.source_mean.to(fit.rotation)).sum(1) * fit.scale
    translation = fit.target_mean - moved
    dtype = source.dtype
    return SimilarityTransform(fit.scale.to(dtype).reshape(lead),
                               fit.rotation.to(dtype).permute(2, 0, 1).reshape(*lead, 3, 3),
                               translation.to(dtype).t().reshape(*lead, 3))


def align(source: Tensor,
          target: Tensor,
          weight: Optional[Tensor] = None,
          with_scale: bool = True,
          allow_reflection: bool = False) -> Tensor:
    """Source points after :func:`similarity_transform` to the target, ``(..., K, 3)``."""
    scale, rotation, translation = similarity_transform(source, target, weight, with_scale,
                                                        allow_reflection)
    return (source @ (scale[..., None, None] * rotation).transpose(-1, -2)
            + translation[..., None, :])


def aligned_distances(source: Tensor,
                      target: Tensor,
                      weight: Optional[Tensor] = None,
                      with_scale: bool = True,
                      allow_reflection: bool = False) -> Tensor:
    """Distances between target and aligned source; the fast path of metrics, without gradient.

    It can be compiled (``torch.compile``): rows that the closed form cannot do well are looked
    for, and done again, behind the one compiled graph.

    Args:
        source: As in :func:`similarity_transform`, and so are the others.

    Returns:
        ``(..., K)`` in the unit of ``target``. Points of weight 0 get a meaningless distance.
    """
    shape = source.shape[:-1]
    with torch.no_grad():
        source, target, weight = _flat(source, target, weight)
        options = (with_scale, allow_reflection)
        distances, reliable = _distances(source, target, weight, *options, closed_form=True)
        if not reliable.all():
            rows = (~reliable).nonzero()[:, 0]
            again, _ = _distances(source[rows].double(), target[rows].double(),
                                  None if weight is None else weight[rows].double(), *options,
                                  closed_form=False)
            distances = distances.index_copy(1, rows, again.to(distances))
    return distances.t().reshape(shape)
