"""Rays against capsules, checked by a search for the first of the spheres that fill a capsule."""
import numpy as np
import pytest
import torch

from mmviewpose.rendering.raster import NEAR, TIE, place, trace


def first_sphere(rays, start, end, r, r2):
    """Depth ``(F,)`` at which rays ``(F, 3)`` meet a capsule, inf where they do not, and by how
    much, relative: a capsule is all spheres between its ends, and the depth at which a ray meets
    the sphere at a share s of the way is a convex function of s."""
    squared = (rays**2).sum(-1)

    def inside(s):
        """(d.c)^2 - |d|^2 (|c|^2 - r^2): the ray meets the sphere where it is not negative."""
        centre, radius = start + s[..., None] * (end - start), r + s * (r2 - r)
        b = (rays * centre).sum(-1)
        return b, b**2 - squared * ((centre**2).sum(-1) - radius**2)

    zero = np.zeros(len(rays))
    low, mid, high = (inside(zero + s)[1] for s in (0., .5, 1.))
    c, b = low, 4 * mid - 3 * low - high          # low + b s + a s^2
    a = 2 * (low + high) - 4 * mid
    with np.errstate(all='ignore'):
        top = np.where(a < 0, np.clip(-b / (2 * a), 0, 1), np.where(high > low, 1, 0))
        margin = np.maximum(inside(top)[1], np.maximum(low, high)) / squared / start[2]**2
        top = np.where(np.maximum(low, high) > inside(top)[1], np.where(high > low, 1., 0.), top)
        root = np.sqrt(np.maximum(b**2 - 4 * a * c, 0))
        ends = np.sort(np.stack([(-b - root) / (2 * a), (-b + root) / (2 * a)]), 0)
        # a < 0: hit between the roots; a > 0: outside them, on the side of `top`
        left = np.where(a < 0, ends[0], np.where(top >= ends[1], ends[1], 0))
        right = np.where(a < 0, ends[1], np.where(top <= ends[0], ends[0], 1))
    left = np.minimum(np.clip(np.nan_to_num(left, nan=0.), 0, 1), top)
    right = np.maximum(np.clip(np.nan_to_num(right, nan=1.), 0, 1), top)

    def depth(s):
        b, rest = inside(s)
        return (b - np.sqrt(np.maximum(rest, 0))) / squared

    golden = (5**.5 - 1) / 2
    for _ in range(60):
        one, two = right - golden * (right - left), left + golden * (right - left)
        lower = depth(one) < depth(two)
        left, right = np.where(lower, left, one), np.where(lower, two, right)
    return np.where(margin >= 0, depth(.5 * (left + right)), np.inf), margin


def reference(start, end, radii, focal, principal, size):
    """Depth, capsule and the least margin of N views, ``(N, S, S)``."""
    grid = np.arange(size) + .5
    depths, margins = [], []
    for view in range(len(start)):
        x, y = np.meshgrid((grid - principal[view, 0]) / focal[view],
                           (grid - principal[view, 1]) / focal[view])
        rays = np.stack([x, y, np.ones_like(x)], -1).reshape(-1, 3)
        found = [first_sphere(rays, start[view, c], end[view, c], *radii[view, c])
                 for c in range(start.shape[1])]
        depths.append([depth for depth, _ in found])
        margins.append([margin for _, margin in found])
    depths, margins = np.array(depths), np.array(margins)
    nearest = depths.min(1)
    seen = (depths <= nearest[:, None] + TIE).argmax(1)
    shape = (len(start), size, size)
    return (nearest.reshape(shape), seen.reshape(shape), depths.reshape(shape[0], -1, size, size),
            np.abs(margins).min(1).reshape(shape))


def traced(start, end, radii, focal, principal, size):
    """Depth (0: nothing) and capsule ``(N, S, S)``."""
    n, c = start.shape[:2]

    def planes(values):
        return torch.as_tensor(values.copy()).permute(2, 0, 1).flatten(1)

    hits = trace(place(planes(start), planes(end), planes(radii)), torch.as_tensor(focal),
                 torch.as_tensor(principal), size)
    depth, capsule = np.zeros(n * size * size), np.full(n * size * size, -1)
    depth[hits.pixel], capsule[hits.pixel] = hits.depth, hits.capsule % c
    assert len(hits.pixel.unique()) == len(hits.pixel)
    assert (hits.view == hits.pixel // size**2).all()
    return depth.reshape(n, size, size), capsule.reshape(n, size, size)


def check(start, end, radii, focal, principal, size):
    depth, capsule = traced(start, end, radii, focal, principal, size)
    expected, seen, each, margin = reference(start, end, radii, focal, principal, size)
    wrong = (depth > 0) != np.isfinite(expected)
    # a pixel may differ only where the ray touches the capsule to 1e-9 of its distance
    assert not (wrong & (margin > 1e-9)).any() and wrong.sum() <= 2
    both = (depth > 0) & np.isfinite(expected)
    assert np.abs(depth - np.where(both, expected, depth)).max() <= TIE + 1e-3
    other = both & (capsule != seen)
    # another capsule only where it is a tie to rounding (float32) whether it is a tie
    gap = np.take_along_axis(each, np.maximum(capsule, 0)[:, None], 1)[:, 0]
    assert (np.abs(gap[other] - expected[other] - TIE) < 2e-3).all()
    assert other.sum() <= 1e-3 * both.sum() + 1
    return both.sum()


def random_capsules(seed, views=6, count=4, toward=.5):
    """Many of them point at the camera or away from it; some have no length."""
    rng = np.random.default_rng(seed)
    start = rng.uniform([-1200, -1200, 1500], [1200, 1200, 4500], (views, count, 3))
    way = rng.normal(size=start.shape)
    ray = start * rng.choice([-1, 1], (views, count, 1)) / np.linalg.norm(start, axis=-1)[..., None]
    way = np.where(rng.random((views, count, 1)) < toward, ray + .1 * way * rng.random(
        (views, count, 1)), way)
    length = 600 * rng.random((views, count, 1))**2 * (rng.random((views, count, 1)) > .1)
    way *= length / np.linalg.norm(way, axis=-1, keepdims=True)
    radii = rng.uniform(2, 200, (views, count, 2))
    focal, principal = rng.uniform(40, 70, views), rng.uniform(16, 32, (views, 2))
    return start, start + way, radii, focal, principal, 48


@pytest.mark.parametrize('seed', range(8))
def test_random_capsules(seed):
    assert check(*random_capsules(seed)) > 300


def one(start, end, r, r2, size=64, focal=64.):
    return (np.array([[start]], float), np.array([[end]], float), np.array([[[r, r2]]], float),
            np.array([focal]), np.full((1, 2), size / 2), size)


@pytest.mark.parametrize('end, r, r2', [
    ((0., 0., 3000.), 200., 200.),       # no length
    ((50., 0., 3000.), 300., 100.),      # the first contains the second
    ((50., 0., 3000.), 100., 300.),      # the other way round
    ((200., 0., 3000.), 300., 100.),     # just so: they touch from inside
    ((600., 300., 3000.), 200., 20.),    # across
    ((0., 0., 2000.), 200., 100.),       # straight at the camera: its ball hides the cone
    ((0., 0., 2000.), 300., 50.),        # it is in the cone's mirror image: it sees the cone
    ((0., 0., 2000.), 50., 300.),        # and with the thick end
    ((600., 0., 3400.), 100., 0.),       # a point at the end
])
def test_shapes(end, r, r2):
    assert check(*one((0., 0., 3000.), end, r, r2)) > 20


def test_an_edge_through_pixel_centres():
    """A sphere in the middle: its image is a circle, radius r f / sqrt(z^2 - r^2) px."""
    start, end, radii, focal, principal, size = one((0, 0, 5000), (0, 0, 5000), 1400, 1400)
    depth = traced(start, end, radii, focal, principal, size)[0][0]
    x, y = np.meshgrid(*[np.arange(size) + .5 - size / 2] * 2)
    circle = np.hypot(x, y) <= 1400 * 64 / np.sqrt(5000**2 - 1400**2)
    np.testing.assert_array_equal(depth > 0, circle)
    assert depth[circle].min() == pytest.approx(3600, abs=1)


def test_neighbours_that_tie():
    """Two pieces of one straight cylinder: where both have a surface, the first is seen."""
    start = np.array([[[-500., 0, 3000], [0., 0, 3000]]])
    end = np.array([[[0., 0, 3000], [500., 0, 3000]]])
    radii = np.full((1, 2, 2), 100.)
    scene = (np.array([3000.]), np.full((1, 2), 32.), 64)  # a pixel is 1 mm
    depth, capsule = traced(start, end, radii, *scene)
    # past its end at x = 0 the first one's ball is TIE behind the second after 3.2 mm
    assert (capsule[0, 32, :35] == 0).all() and (capsule[0, 32, 35:] == 1).all()
    again, swapped = traced(end[:, ::-1], start[:, ::-1], radii, *scene)
    assert (swapped[0, 32, 29:] == 0).all() and (swapped[0, 32, :29] == 1).all()
    np.testing.assert_allclose(depth, again, atol=TIE)
    check(start, end, radii, *scene)


def test_what_comes_too_near_is_not_drawn():
    for z in (-3000., 0., 100 + NEAR - 1):
        assert not traced(*one((0, 0, z), (0, 500, 3000), 100, 100))[0].any()
    assert traced(*one((0, 0, 100 + NEAR + 1), (0, 0, 3000), 100, 100))[0].any()
    # the other capsules of the view are
    start = np.array([[[0., 0, -500], [0., 0, 3000]]])
    depth, capsule = traced(start, start, np.full((1, 2, 2), 300.), np.array([64.]),
                            np.full((1, 2), 32.), 64)
    assert set(np.unique(capsule)) == {-1, 1} and depth[depth > 0].min() > 2600


def test_near_capsules_partly_outside_the_image():
    rng = np.random.default_rng(3)
    start = rng.uniform([-600, -600, 300], [600, 600, 900], (8, 3, 3))
    end = rng.uniform([-600, -600, 300], [600, 600, 900], (8, 3, 3))
    radii = rng.uniform(10, 240, (8, 3, 2))
    scene = (np.full(8, 30.), np.full((8, 2), 24.), 48)
    assert check(start, end, radii, *scene) > 5000


def test_nothing_in_sight():
    assert not traced(*one((9000, 0, 3000), (9000, 100, 3000), 100, 100))[0].any()
