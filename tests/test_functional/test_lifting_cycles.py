import math

import pytest
import torch

from mmviewpose.functional import lifting_cycle, quarter_turn_loss, reprojection_cycle_loss
from mmviewpose.functional.lifting_cycles import random_views, scale_gradient
from mmviewpose.geometry import axis_angle_to_matrix, rotate, see, turn_view

B, J = 6, 5


def numbers(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def network(seed=3, joints=J):
    """A smooth lifter; neither odd nor even."""
    weight, bias = numbers(2 * joints, joints, seed=seed) / 3, numbers(joints, seed=seed + 1)
    return lambda points: (points.flatten(1) @ weight + bias).tanh()


def views(batch=B, seed=5):
    azimuth, elevation = numbers(2, batch, seed=seed)
    return azimuth, 0.2 * elevation


def literal(lift, points, azimuth, elevation):
    """Eq. 2 to 5 for one pose ``(J, 2)``: L_2D and L_90, summed over key points."""
    def g(x, y):
        return lift(torch.stack([x, y], -1)[None])[0]

    x, y = points.unbind(-1)
    z = g(x, y)
    axes = torch.eye(3, dtype=torch.float64)
    R = axis_angle_to_matrix(axes[0], elevation) @ axis_angle_to_matrix(axes[1], azimuth)
    there = rotate(torch.stack([x, y, z], -1), R)
    seen = there[:, :2]
    again = torch.cat([seen, g(*seen.unbind(-1))[:, None]], -1)
    back = torch.linalg.solve(R, again.T).T[:, :2]
    l_2d = (points - back).square().sum()
    l_90 = ((g(z, y) + x).square() + (g(-z, y) - x).square()
            + (g(x, y) + g(-x, y)).square()).sum()
    return seen, l_2d, l_90


def test_against_the_papers_equations():
    lift, points, (azimuth, elevation) = network(), numbers(B, J, 2), views()
    cycle = lifting_cycle(lift, points, azimuth, elevation)
    seen, l_2d, l_90 = map(torch.stack, zip(*map(
        lambda *one: literal(lift, *one), points, azimuth, elevation)))
    torch.testing.assert_close(cycle.poses, torch.cat([points, lift(points)[..., None]], -1))
    torch.testing.assert_close(cycle.views, seen)
    torch.testing.assert_close(reprojection_cycle_loss(cycle.returned, points, reduction='sum'),
                               l_2d.sum())
    torch.testing.assert_close(reprojection_cycle_loss(cycle.returned, points), l_2d.mean() / J)
    torch.testing.assert_close(quarter_turn_loss(cycle.quarter_errors, reduction='sum'),
                               l_90.sum())
    torch.testing.assert_close(quarter_turn_loss(cycle.quarter_errors), l_90.mean() / J)


def losses(cycle, points, **options):
    return (reprojection_cycle_loss(cycle.returned, points, **options),
            quarter_turn_loss(cycle.quarter_errors, **options))


CAMERAS = {'level': {}, 'pitched': dict(pitch=0.3),
           'perspective': dict(distance=torch.linspace(6, 8, B, dtype=torch.float64)),
           'both': dict(pitch=0.3, distance=torch.linspace(6, 8, B, dtype=torch.float64))}


@pytest.mark.parametrize('camera', CAMERAS)
def test_passes_together_or_one_by_one(camera):
    lift, points, view = network(), numbers(B, J, 2), views()
    together = lifting_cycle(lift, points, *view, **CAMERAS[camera])
    apart = lifting_cycle(lift, points, *view, **CAMERAS[camera], batched=False)
    for one, other in zip(together, apart):
        torch.testing.assert_close(one, other)
    sizes = []

    def counted(points):
        sizes.append(len(points))
        return lift(points)

    lifting_cycle(counted, points, *view)
    lifting_cycle(counted, points, *view, batched=False)
    assert sizes == [B, 4 * B] + 5 * [B]


class Table:
    """A lifter that knows what it will be shown: the pose from every camera of the cycle."""

    def __init__(self, poses, azimuth, elevation, pitch=0., distance=None):
        known = [poses] + [turn_view(poses, torch.full_like(azimuth, angle))
                           for angle in (math.pi / 2, -math.pi / 2, math.pi)]
        self.poses = torch.cat([*known, turn_view(poses, azimuth, elevation, pitch)])
        self.seen = torch.cat([see(part, distance) for part in self.poses.split(len(poses))])

    def __call__(self, points):
        nearest = torch.cdist(points.flatten(1), self.seen.flatten(1)).argmin(1)
        return self.poses[nearest, :, 2]


@pytest.mark.parametrize('camera', CAMERAS)
def test_a_lifter_that_is_right_pays_nothing(camera):
    poses, (azimuth, elevation), options = numbers(B, J, 3), views(), CAMERAS[camera]
    right = Table(poses, azimuth, elevation, **options)
    points = see(poses, options.get('distance'))
    cycle = lifting_cycle(right, points, azimuth, elevation, **options)
    torch.testing.assert_close(cycle.poses, poses)
    for loss in losses(cycle, points):
        assert loss < 1e-20
    wrong = lifting_cycle(lambda seen: right(seen) + 0.1, points, azimuth, elevation, **options)
    for loss in losses(wrong, points):
        assert loss > 1e-4


@pytest.mark.parametrize('camera', CAMERAS)
def test_the_sign_of_depth_shows_only_with_a_pitch_or_perspective(camera):
    """G before cameras at +angles and -G before those at -angles."""
    lift, points, (azimuth, elevation) = network(), numbers(B, J, 2), views()
    options = CAMERAS[camera]
    cycle = lifting_cycle(lift, points, azimuth, elevation, **options)
    mirrored = lifting_cycle(lambda seen: -lift(seen), points, -azimuth, -elevation, **options)
    same = [torch.allclose(one, other) for one, other in
            zip(losses(cycle, points), losses(mirrored, points))]
    assert same == [camera == 'level', camera in ('level', 'pitched')]
    assert torch.allclose(cycle.views, mirrored.views) == (camera == 'level')


def test_weights_make_sums_of_the_parts_means():
    lift, points, view = network(), numbers(B, J, 2), views()
    cycle = lifting_cycle(lift, points, *view)
    parts = [[0, 3], [1, 2, 4]]
    weight = torch.empty(J, dtype=torch.float64)
    for part in parts:
        weight[part] = 1 / len(part)
    found = losses(cycle, points, weight=weight)
    means = [(reprojection_cycle_loss(cycle.returned[:, part], points[:, part]),
              quarter_turn_loss(cycle.quarter_errors[:, :, part])) for part in parts]
    torch.testing.assert_close(found, tuple(map(sum, zip(*means))))
    torch.testing.assert_close(losses(cycle, points, weight=torch.full((J, ), 1 / J).double()),
                               losses(cycle, points))


def test_reductions():
    lift, points, view = network(), numbers(B, J, 2), views()
    cycle = lifting_cycle(lift, points, *view)
    for none, sum_, mean in zip(*(losses(cycle, points, reduction=reduction)
                                  for reduction in ('none', 'sum', 'mean'))):
        assert none.shape == (B, J)
        torch.testing.assert_close(none.sum(), sum_)
        torch.testing.assert_close(none.mean(), mean)
    for call in (lambda: losses(cycle, points, reduction='max'),
                 lambda: quarter_turn_loss(cycle.quarter_errors, reduction='max')):
        with pytest.raises(ValueError, match="reduction must be one of .* got 'max'"):
            call()


@pytest.mark.parametrize('camera', ['level', 'both'])
@pytest.mark.parametrize('batched', [True, False])
def test_gradients(camera, batched):
    points, (azimuth, elevation) = numbers(2, 3, 2), views(2)
    weight = (numbers(6, 3, seed=9) / 3).requires_grad_()
    options = dict(CAMERAS[camera])
    if 'distance' in options:
        options['distance'] = options['distance'][:2]

    def cost(weight, points):
        cycle = lifting_cycle(lambda seen: (seen.flatten(1) @ weight).tanh(), points, azimuth,
                              elevation, **options, batched=batched)
        return (*losses(cycle, points), cycle.views.square().sum())

    assert torch.autograd.gradcheck(cost, (weight, points.requires_grad_()))


def test_the_share_scales_what_comes_back_through_the_views_alone():
    points, view = numbers(B, J, 2), views()
    share = torch.tensor([0.4, 0.4, 0.6, 0.6, 1.]).double()
    grads = {}
    for name, given in (('plain', None), ('shared', share)):
        depths = numbers(B, J, seed=7).requires_grad_()
        table = [depths]
        cycle = lifting_cycle(lambda seen: table.pop() if table else seen.sum(-1), points, *view,
                              share=given)
        values = [cycle.views, cycle.returned, cycle.quarter_errors, cycle.poses]
        grads[name] = [torch.autograd.grad(value.square().sum(), depths, retain_graph=True)[0]
                       for value in values]
        grads[name].append(torch.stack([value.sum() for value in values]).detach())
    (plain, *others), (shared, *same) = grads['plain'], grads['shared']
    torch.testing.assert_close(shared, plain * share)
    assert plain.abs().min() > 0
    torch.testing.assert_close(others, same)


def test_scale_gradient():
    values = numbers(4).requires_grad_()
    scaled = scale_gradient(values, torch.tensor([0., 0.5, 1., 2.]).double())
    torch.testing.assert_close(scaled, values)
    gradient, = torch.autograd.grad(scaled.square().sum(), values)
    torch.testing.assert_close(gradient, 2 * values.detach() * torch.tensor([0, 0.5, 1, 2]))


def test_random_views():
    azimuth, elevation = random_views(20000, generator=torch.Generator().manual_seed(0))
    for angle, limit in ((azimuth, 8 * math.pi / 9), (elevation, math.pi / 18)):
        assert angle.abs().max() <= limit and angle.abs().max() > 0.99 * limit
        # uniform: a quarter of them in each quarter
        counts = torch.histc(angle, 4, -limit, limit)
        assert (counts - 5000).abs().max() < 5 * 5000 ** 0.5
    assert abs(torch.corrcoef(torch.stack([azimuth, elevation]))[0, 1]) < 0.03
    again, _ = random_views(20000, generator=torch.Generator().manual_seed(0))
    assert torch.equal(azimuth, again)
    azimuth, elevation = random_views(3, 0., 1., torch.zeros(1, dtype=torch.float64))
    assert azimuth.dtype == torch.float64 and not azimuth.any() and elevation.any()
