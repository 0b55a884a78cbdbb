"""Which capsule each pixel sees, and at what depth.

Everything is in camera space: a pixel's ray is ``t d`` with ``d = (x, y, 1)``, so that t is the
depth. The outline of a capsule in the image is the convex hull of two ellipses, so that it covers
one span in each row of pixels. The rows of all capsules of some views, then the pixels of all these
rows, stand in flat lists; only rays that meet their capsule are traced.

Vectors stand in planes, ``(3, ...)``: operations on long rows of numbers are the fast ones.
"""
from typing import NamedTuple, Tuple

import torch
from torch import Tensor

NEAR = 50.  # mm; a capsule that comes nearer to the camera's plane is not drawn
TIE = 0.05  # mm; of surfaces as near as this the capsule with the lowest index is seen
_NEVER = 1e30


class Capsules(NamedTuple):
    """M capsules in camera space; all fields but the last are float64.

    A point P is on the infinite cone of a capsule where ``k |P - c|^2 - (P.a - g)^2 = k r^2``,
    with c and r the sphere at its start, a its axis and k one minus the squared sine of the cone's
    half angle. There ``P.a - g`` is 0 on the circle where the cone touches this sphere and
    ``reach`` where it touches the other.

    Attributes:
        spheres: x, y, z of the centre and radius at start and end, ``(2, 4, M)``.
        cone: x, y, z of a, k, g, ``m = k (|c|^2 - r^2) - g^2`` and ``reach``, ``(7, M)``. Where
            no part of the cone can be seen g is so large that every point lies on one sphere.
        sides: The outline's straight sides, image points ``(x1, y1, x2, y2)`` of two lines,
            ``(2, 4, M)``; NaN where one sphere hides the other.
        height: Least and greatest y of the outline, ``(2, M)``.
        drawn: Whether it is far enough before the camera, bool ``(M,)``.
    """
    spheres: Tensor
    cone: Tensor
    sides: Tensor
    height: Tensor
    drawn: Tensor


class Hits(NamedTuple):
    """What H pixels see.

    Attributes:
        pixel: Which pixel, an index into the images ``(N, S, S)`` in a row, int64 ``(H,)``.
        view: Which image, int64.
        capsule: Which capsule, an index into ``(N, C)`` in a row, int64.
        depth: t, float64 as x and y.
        x: Of the ray.
        y: Of the ray.
    """
    pixel: Tensor
    view: Tensor
    capsule: Tensor
    depth: Tensor
    x: Tensor
    y: Tensor


def _dot(a: Tensor, b: Tensor) -> Tensor:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def place(start: Tensor, end: Tensor, radii: Tensor) -> Capsules:
    """What the tracing needs to know of capsules.

    Args:
        start: Centres in camera space, ``(3, M)`` mm.
        end: The same.
        radii: ``(2, M)`` mm.
    """
    r, r2 = radii
    way = end - start
    length = _dot(way, way).sqrt()
    axis = way / length.clamp_min(1e-9)
    slope = (r - r2) / length.clamp_min(1e-9)
    k = 1 - slope.square()
    g = _dot(start, axis) + r * slope
    m = k * (_dot(start, start) - r.square()) - g.square()
    alone = k < 1e-6  # one sphere contains the other
    # from inside the cone, though not its mirror image, only the cap on that side is seen
    hidden = alone | ((m < 0) & (-g * slope < k * r))
    at_end = torch.where(alone, slope < 0, g < 0)
    cone = torch.stack([*axis, k, g, m, k * length])
    no_cone = cone.new_tensor([0, 0, 0, 1, 0, 1, 0]).unsqueeze(-1)
    cone = torch.where(hidden, no_cone, cone)
    cone[4] += hidden * torch.where(at_end, -_NEVER, _NEVER)
    spheres = torch.stack([torch.cat([start, r[None]]), torch.cat([end, r2[None]])])
    drawn = torch.minimum(start[2] - r, end[2] - r2) > NEAR
    return Capsules(spheres, cone, _sides(start, end, r, r2), _height(spheres), drawn)


def _sides(start: Tensor, end: Tensor, r: Tensor, r2: Tensor) -> Tensor:
    """`Capsules.sides`: where the planes through the camera touch that touch both spheres.

    Their normals are ``n = p c1 + q c2 +- w (c1 x c2)`` with ``n.c1 = r1``, ``n.c2 = r2`` and
    ``|n| = 1``.
    """
    square, square2, mixed = _dot(start, start), _dot(end, end), _dot(start, end)
    normal = torch.linalg.cross(start, end, dim=0)
    area = _dot(normal, normal)
    area = torch.where(area > 1e-12 * square * square2, area, torch.full_like(area, torch.nan))
    p, q = (r * square2 - r2 * mixed) / area, (r2 * square - r * mixed) / area
    inner = p * start + q * end
    outer = ((1 - _dot(inner, inner)) / area).sqrt() * normal  # NaN: there is no such plane
    ends = []
    for n in (inner + outer, inner - outer):
        first, second = start - r * n, end - r2 * n
        ends.append(torch.cat([first[:2] / first[2], second[:2] / second[2]]))
    return torch.stack(ends)


def _height(spheres: Tensor) -> Tensor:
    _, y, z, r = spheres.unbind(1)
    half = r * (y.square() + z.square() - r.square()).sqrt()
    scale = z.square() - r.square()
    return torch.stack([((y * z - half) / scale).amin(0), ((y * z + half) / scale).amax(0)])


def take(table: Tensor, index: Tensor) -> Tensor:
    """Columns of a table, ``(..., M)`` to ``(..., len(index))``."""
    # The fast ones: indexing takes six times as long, gather in one row or index_select in several
    # three times.
    if table.ndim == 1:
        return table.index_select(0, index)
    flat = table.flatten(0, -2)
    return flat.gather(1, index.expand(len(flat), -1)).view(*table.shape[:-1], len(index))


def _ragged(counts: Tensor) -> Tuple[Tensor, Tensor]:
    """Owner, and number within its owner, of each item of lists of given lengths."""
    owner = torch.repeat_interleave(counts)
    first = counts.cumsum(0) - counts
    return owner, torch.arange(len(owner), device=counts.device) - take(first, owner)


def _pixels(low: Tensor, high: Tensor, focal: Tensor, principal: Tensor, size: int
            ) -> Tuple[Tensor, Tensor]:
    """First pixel whose centre lies between two image coordinates, and how many do."""
    first = torch.addcmul(principal - 0.5, low, focal).ceil_().clamp_(0, size)
    last = torch.addcmul(principal - 0.5, high, focal).floor_().clamp_(-1, size - 1)
    return first.long(), (last - first + 1).clamp_min_(0).long()


def _span(spheres: Tensor, sides: Tensor, y: Tensor) -> Tuple[Tensor, Tensor]:
    """Least and greatest x of outlines, a row each, at height y ``(R,)``."""
    cx, cy, cz, r = spheres.unbind(1)  # (2, R) each
    q = torch.addcmul(cz, cy, y)
    rest = cy.square() + cz.square() - r.square()
    m = rest + cx.square()
    half = (m * (q.square() - rest * (1 + y.square()))).sqrt_()  # NaN: not in this row
    x1, y1, x2, y2 = sides.unbind(1)
    share = (y - y1) / (y2 - y1)
    side = torch.addcmul(x1, share, x2 - x1)
    side.masked_fill_((share < 0) | (share > 1), torch.nan)
    low, high = torch.cat([(cx * q - half) / rest, side]), torch.cat([(cx * q + half) / rest, side])
    return low.nan_to_num_(nan=_NEVER).amin(0), high.nan_to_num_(nan=-_NEVER).amax(0)


def trace(capsules: Capsules, focal: Tensor, principal: Tensor, size: int) -> Hits:
    """What the pixels of N views see.

    Args:
        capsules: N times C, those of the first view first.
        focal: ``(N,)`` px, float64.
        principal: ``(N, 2)`` px, float64.
        size: S.
    """
    per_view = len(capsules.drawn) // len(focal)
    view = torch.arange(len(focal), device=focal.device).repeat_interleave(per_view)
    camera = torch.stack([focal, *principal.T])
    f, _, py = take(camera, view)
    first, count = _pixels(*capsules.height, f, py, size)
    capsule, step = _ragged(count * capsules.drawn)
    line, view = take(first, capsule) + step, take(view, capsule)
    f, px, py = take(camera, view)
    y = (line + 0.5 - py) / f
    spheres = take(capsules.spheres, capsule)
    first, count = _pixels(*_span(spheres, take(capsules.sides, capsule), y), f, px, size)
    row, step = _ragged(count)
    pixel = take((view * size + line) * size + first, row).add_(step)
    x, scale = take(torch.stack([(first + 0.5 - px) / f, 1 / f]), row)
    x.addcmul_(step.double(), scale)
    depth = _depth(spheres, take(capsules.cone, capsule), y, row, x)
    seen = _nearest(pixel, depth, len(focal) * size * size)
    row = take(row, seen)
    return Hits(take(pixel, seen), take(view, row), take(capsule, row), take(depth, seen),
                take(x, seen), take(y, row))


def _depth(spheres: Tensor, cone: Tensor, y: Tensor, row: Tensor, x: Tensor) -> Tensor:
    """Depth ``(F,)`` at which rays meet the capsule of their row; all are known to do so.

    The cone is met at ``t = m / (B + sqrt(B^2 - A m))`` with ``A = k |d|^2 - (d.a)^2`` and
    ``B = k d.c - g d.a``; a sphere likewise, with k = 1 and a = 0.
    """
    cx, cy, cz, r = spheres.unbind(1)  # (2, R) each
    ax, ay, az, k, g, m, reach = cone
    q = torch.addcmul(cz, cy, y)  # d.c without its part in x
    e = torch.addcmul(az, ay, y)
    squared = 1 + y.square()
    bx, b, k, squared, ax, e, g, m, reach = take(torch.stack(
        [k * cx[0] - g * ax, k * q[0] - g * e, k, squared, ax, e, g, m, reach]), row)
    squared.addcmul_(x, x)
    b.addcmul_(bx, x)
    e.addcmul_(ax, x)
    a = k.mul_(squared).addcmul_(e, e, value=-1)
    root = b.square().addcmul_(a, m, value=-1).clamp_min_(0).sqrt_()
    depth = m.div_(b.add_(root))
    height = e.mul_(depth).sub_(g)
    past = height > reach
    caps = ((height >= 0) & ~past).logical_not_().nonzero()[:, 0]
    index = take(past, caps) * len(y) + take(row, caps)
    cx, q, m = take(torch.stack([cx, q, cx.square() + cy.square() + cz.square() - r.square()]
                                 ).flatten(1), index)
    x, squared = take(torch.stack([x, squared]), caps)
    b = q.addcmul_(cx, x)
    root = b.square().addcmul_(squared, m, value=-1).clamp_min_(0).sqrt_()
    return depth.scatter_(0, caps, m.div_(b.add_(root)))


def _nearest(pixel: Tensor, depth: Tensor, pixels: int) -> Tensor:
    """Which ray, in the order of their capsules, each pixel sees, ``(H,)``."""
    depth = depth.float()
    nearest = depth.new_full((pixels,), torch.inf).scatter_reduce_(0, pixel, depth, 'amin')
    far = depth > take(nearest, pixel).add_(TIE)
    none = torch.iinfo(torch.int32).max
    number = torch.arange(len(pixel), dtype=torch.int32, device=pixel.device)
    first = torch.full((pixels,), none, dtype=torch.int32, device=pixel.device)
    first.scatter_reduce_(0, pixel, torch.maximum(number, far.int().mul_(none)), 'amin')
    return (take(first, pixel) == number).nonzero()[:, 0]
