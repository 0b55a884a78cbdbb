import copy
import math

import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope

from mmviewpose.datasets.datasets.pose_dataset import SyntheticPoseDataset
from mmviewpose.errors import UserError
from mmviewpose.functional import (least_squares_critic_loss, least_squares_generator_loss,
                                   lifting_cycle, quarter_turn_loss, reprojection_cycle_loss)
from mmviewpose.functional.lifting_cycles import random_views
from mmviewpose.layers import PoseCritic
from mmviewpose.models import AdversarialLifter

B = 32
OPTIMIZERS = dict(constructor='PartsOptimWrapperConstructor',
                  lifter=dict(optimizer=dict(type='SGD', lr=0.1)),
                  critic=dict(optimizer=dict(type='SGD', lr=0.2)))
NO_SWAP = dict(type='LeastSquaresAdversarialLoss', loss_weight=0.7, swap_prob=0.)


def lifter(parts='leg-torso', network={}, **options):
    torch.manual_seed(0)
    options = {'adversarial': NO_SWAP, **options}
    with DefaultScope.overwrite_default_scope('mmviewpose'):
        return AdversarialLifter(
            dict(dict(type='PartLifter', width=16, blocks=1), **network),
            dict(type='PoseCritic', width=16, blocks=1), parts=parts, **options)


def optimizers(model, **options):
    with DefaultScope.overwrite_default_scope('mmviewpose'):
        return build_optim_wrapper(model, dict(OPTIMIZERS, **options))


def people(projection='orthographic'):
    torch.manual_seed(0)
    dataset = SyntheticPoseDataset(B, pipeline=[
        dict(type='ProjectPoses', projection=projection), dict(type='PackLifting')])
    return dataset.__getitems__(range(B))


@pytest.fixture(scope='module')
def batch():
    return people()


def step(model, batch, wrapper, seed=5):
    torch.manual_seed(seed)
    return model.train_step(batch, wrapper)


def by_hand(model, points, distance=None, share=None, seed=5):
    """Losses of the lifter and of the critic for the views that a step draws."""
    torch.manual_seed(seed)
    azimuth, elevation = random_views(len(points), math.radians(160), math.radians(10))
    cycle = lifting_cycle(model.lift, points, azimuth, elevation, model.pitch, distance,
                          share=share)
    parts = [list(part) for part in model.parts.values()]
    if not model.lifter.independent:
        parts = [list(range(16))]
    lifting = sum(10 * reprojection_cycle_loss(cycle.returned[:, part], points[:, part])
                  + 3 * quarter_turn_loss(cycle.quarter_errors[:, :, part]) for part in parts)
    judged = model.critic(cycle.views)
    return (lifting, 0.7 * least_squares_generator_loss(judged),
            least_squares_critic_loss(model.critic(points), model.critic(cycle.views.detach())))


@pytest.mark.parametrize('parts, network, shares', [
    ('full', {}, [1.]), ('leg-torso', {}, [6 / 16, 10 / 16]),
    ('leg-torso', dict(combine_blocks=1), [1., 1.]),
    ('limbs', {}, [4 / 16, 3 / 16, 3 / 16, 3 / 16, 3 / 16]),
])
@pytest.mark.parametrize('projection', ['orthographic', 'perspective'])
def test_one_step_by_hand(parts, network, shares, projection):
    model = lifter(parts, network, projection=projection, pitch=5.)
    batch, before = people(projection), copy.deepcopy(model)
    log = step(model, batch, optimizers(model))
    points, scale = before.normalise(batch['inputs'])
    distance = None if projection == 'orthographic' else 4500 / scale[:, 0, 0]
    lifting, fooling, judging = by_hand(before, points, distance)
    assert log.keys() == {'loss', 'loss_adversarial', 'loss_reprojection', 'loss_quarter_turn',
                          'critic_loss'}
    torch.testing.assert_close(log['loss_adversarial'], fooling.detach())
    torch.testing.assert_close(log['loss'], (lifting + fooling).detach())
    torch.testing.assert_close(log['critic_loss'], judging.detach())

    # the lifter: each part's network has its share of what comes from the critic, and all of the
    # rest; the critic learns from its own loss alone
    weights = list(before.lifter.parameters())
    grads = [torch.autograd.grad(loss, weights, retain_graph=True) for loss in (lifting, fooling)]
    for old, new, own, critics in zip(weights, model.lifter.parameters(), *grads):
        share = torch.tensor(shares[:len(old)]).view(-1, 1, 1) if len(old) > 1 else 1.
        torch.testing.assert_close(new, old - 0.1 * (own + share * critics), atol=1e-6, rtol=1e-4)
    weights = list(before.critic.parameters())
    for old, new, gradient in zip(weights, model.critic.parameters(),
                                  torch.autograd.grad(judging, weights)):
        torch.testing.assert_close(new, old - 0.2 * gradient, atol=1e-6, rtol=1e-4)


def test_every_weight_moves_and_the_critic_can_learn_again(batch):
    model = lifter()
    before, wrapper = copy.deepcopy(model), optimizers(model)
    step(model, batch, wrapper)
    for (name, value), old in zip(model.named_parameters(), before.parameters()):
        assert not torch.equal(value, old) and value.requires_grad, name


class Broken(torch.nn.Module):

    def forward(self, *args):
        return 1 / 0


def test_the_critic_is_thawed_after_an_error(batch):
    model = lifter()
    model.quarter_turn = Broken()
    with pytest.raises(ZeroDivisionError):
        step(model, batch, optimizers(model))
    assert all(weight.requires_grad for weight in model.critic.parameters())


def test_terms_may_be_switched_off(batch):
    model = lifter(reprojection=None, quarter_turn=None)
    log = step(model, batch, optimizers(model))
    assert log.keys() == {'loss', 'loss_adversarial', 'critic_loss'}
    assert log['loss'] == log['loss_adversarial']


def test_loss_mode_is_the_lifters_loss(batch):
    model = lifter()
    torch.manual_seed(5)
    losses = model(**batch, mode='loss')
    lifting, fooling, _ = by_hand(model, model.normalise(batch['inputs'])[0])
    torch.testing.assert_close(losses['loss_adversarial'], fooling)
    torch.testing.assert_close(sum(losses.values()), lifting + fooling)


@pytest.mark.parametrize('options, few, together', [
    (dict(), B, True), (dict(), B - 1, False), (dict(batched=True), B - 1, True),
    (dict(batched=False), B, False), (dict(network=dict(norm='affine')), B, True),
    (dict(network=dict(norm='batch')), B, False),
    (dict(network=dict(norm='batch'), batched=True), B, False),
])
def test_passes_in_one_or_one_by_one(batch, options, few, together, monkeypatch):
    from mmviewpose.models.estimators import adversarial_lifter
    monkeypatch.setattr(adversarial_lifter, 'FEW_POSES', few)
    model, sizes = lifter(**options), []
    model.lifter.register_forward_pre_hook(lambda _, args: sizes.append(len(args[0])))
    step(model, batch, optimizers(model))
    assert sizes == ([B, 4 * B] if together else 5 * [B])


def test_it_learns_to_agree_with_itself(batch):
    model = lifter('full', dict(width=32))
    wrapper = optimizers(model, lifter=dict(optimizer=dict(type='Adam', lr=2e-3)),
                         critic=dict(optimizer=dict(type='Adam', lr=2e-3)))
    logs = [step(model, batch, wrapper, seed) for seed in range(40)]
    for key in ('loss_reprojection', 'loss_quarter_turn', 'critic_loss'):
        first, last = (sum(log[key] for log in part) for part in (logs[:5], logs[-5:]))
        assert last < 0.8 * first, key


@pytest.mark.parametrize('projection', ['orthographic', 'perspective'])
def test_a_pose_without_size_does_no_harm(projection):
    model, batch = lifter(projection=projection), people(projection)
    batch['inputs'][3] = 0
    log = step(model, batch, optimizers(model))
    assert all(value.isfinite() for value in log.values())
    assert all(weight.isfinite().all() for weight in model.parameters())
    assert not model(batch['inputs'])[3].any()


def test_a_batch_of_one(batch):
    one = dict(inputs=batch['inputs'][:1], data_samples={})
    model = lifter()
    assert all(value.isfinite() for value in step(model, one, optimizers(model)).values())
    model = lifter(network=dict(norm='batch'))
    with pytest.raises(ValueError, match='cannot train on a batch of one'):
        step(model, one, optimizers(model))


def test_what_it_cannot_train_with(batch):
    model = lifter()
    before = copy.deepcopy(model.state_dict())
    wrapper = build_optim_wrapper(model, dict(optimizer=dict(type='SGD', lr=0.1)))
    message = 'a critic and two optimizers: .*PartsOptimWrapperConstructor'
    with pytest.raises(UserError, match=message):
        step(model, batch, wrapper)
    wrapper, model.critic = optimizers(model), None
    with pytest.raises(UserError, match=message):
        step(model, batch, wrapper)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_frozen_weights_of_the_critic_stay_so(batch):
    model = lifter()
    frozen = model.critic.trunk[0].requires_grad_(False)
    before = copy.deepcopy(model.critic)
    step(model, batch, optimizers(model))
    held = {id(weight) for weight in frozen.parameters()}
    for weight, old in zip(model.critic.parameters(), before.parameters()):
        assert weight.requires_grad == (id(weight) not in held) == (not torch.equal(weight, old))


def test_batch_norm_sees_real_and_made_poses_apart(batch):
    model, sizes = lifter(), []
    model.critic = PoseCritic(16, width=16, blocks=1, norm='batch')
    before = copy.deepcopy(model)
    model.critic.register_forward_pre_hook(lambda _, args: sizes.append(len(args[0])))
    log = step(model, batch, optimizers(model))
    assert sizes == 3 * [B]
    points, _ = before.normalise(batch['inputs'])
    *_, judging = by_hand(before, points)
    torch.testing.assert_close(log['critic_loss'], judging.detach())
    torch.manual_seed(5)
    views = before.cycle(points, None).views
    together = least_squares_critic_loss(*before.critic(torch.cat([points, views])).chunk(2))
    assert abs(together - judging) > 1e-3


@pytest.mark.parametrize('projection', ['orthographic', 'perspective'])
def test_mixed_precision(projection):
    model, batch, kinds = lifter(projection=projection), people(projection), set()
    exact = step(copy.deepcopy(model), batch, optimizers(model))
    for network in (model.lifter.trunk, model.critic.trunk):
        network.register_forward_hook(lambda *args: kinds.add(args[-1].dtype))
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = model(**batch, mode='loss')
        log = step(model, batch, optimizers(model))
    assert kinds == {torch.bfloat16}
    for name, value in [*losses.items(), *log.items()]:
        assert value.dtype == torch.float32 and value.isfinite(), name
    for name, value in log.items():
        torch.testing.assert_close(value, exact[name], rtol=0.05, atol=0.02)
    assert all(weight.dtype == torch.float32 and weight.isfinite().all()
               for weight in model.parameters())


# The sign of depth


class Oracle(torch.nn.Module):
    """Knows the depths of one batch; says those of some joints with the other sign."""

    def __init__(self, depths, mirrored):
        super().__init__()
        self.zero = torch.nn.Parameter(torch.zeros(()))
        self.depths = depths.clone()
        self.depths[:, mirrored] *= -1
        self.register_buffer('signs', torch.ones(depths.shape[1]))

    def forward(self, points):
        known = self.depths if len(points) == len(self.depths) else points[..., 0]
        return self.signs * (known + self.zero)


def watched(batch, parts, mirrored, steps=4, network={}, **options):
    """The signs after some steps in which ``mirrored`` parts' depths come out negated."""
    options = {'depth_sign': 'anatomy', 'sign_interval': 2, **options}
    model = lifter(parts, network, **options)
    points, scale = model.normalise(batch['inputs'])
    target = batch['data_samples']['target'][:, model.joints, 2] / scale[..., 0]
    joints = [joint for part in mirrored for joint in model.parts[part]]
    model.lifter = Oracle(target, joints)
    wrapper = optimizers(model, lifter=dict(optimizer=dict(type='SGD', lr=0.)))
    for seed in range(steps):
        step(model, batch, wrapper, seed)
    return model, joints


@pytest.mark.parametrize('parts, mirrored, network', [
    ('full', ['body'], {}), ('full', [], {}), ('leg-torso', [], {}),
    ('leg-torso', ['torso'], {}), ('leg-torso', ['legs'], {}),
    ('leg-torso', ['legs', 'torso'], {}),
    ('leg-torso', ['legs', 'torso'], dict(combine_blocks=1)),
    # no limb has both hips or shoulders: all follow the whole
    ('limbs', ['torso', 'left_arm', 'right_arm', 'left_leg', 'right_leg'], {}), ('limbs', [], {}),
])
def test_mirrored_parts_are_found_and_turned(batch, parts, mirrored, network):
    model, joints = watched(batch, parts, mirrored, steps=8, network=network)
    expected = torch.ones(16)
    expected[joints] = -1
    assert model.lifter.signs.equal(expected)
    assert (model.bends > 0).all()
    torch.testing.assert_close(model(batch['inputs']), batch['data_samples']['target'],
                               atol=0.5, rtol=1e-3)


def test_parts_that_cannot_tell_follow_the_whole(batch):
    arms = ['left_arm', 'right_arm']
    parts = dict(arms=arms, rest=['torso', 'left_leg', 'right_leg'])
    model, joints = watched(batch, dict(parts, head=['head'], rest=[
        'spine_mid', 'spine_shoulder', 'neck', 'left_leg', 'right_leg']), ['arms', 'rest', 'head'])
    assert model.lifter.signs.equal(-torch.ones(16))
    model, joints = watched(batch, parts, ['arms'])
    assert (model.lifter.signs < 0).nonzero()[:, 0].tolist() == sorted(joints)


def test_signs_are_watched_only_when_asked_and_in_time(batch):
    model, _ = watched(batch, 'full', ['body'], steps=1)
    assert (model.lifter.signs == 1).all()
    model, _ = watched(batch, 'full', ['body'], steps=2)
    assert (model.lifter.signs == -1).all()
    model, _ = watched(batch, 'full', ['body'], depth_sign=None)
    assert (model.lifter.signs == 1).all() and not model.bends.any()


def test_a_pose_of_nans_does_not_spoil_the_bends(batch):
    model = lifter('full', depth_sign='anatomy', sign_interval=1)
    poses = batch['data_samples']['target'][:, model.joints] / 1000
    model._watch_sign(poses)
    bends = model.bends.clone()
    assert (bends > 0).all()
    for spoilt in (float('nan'), float('inf')):
        broken = -poses
        broken[3] = spoilt
        model._watch_sign(broken)
        assert model.bends.equal(bends) and (model.lifter.signs == 1).all()
    model._watch_sign(poses)
    assert (model.bends > bends).all()


def test_a_flip_is_another_solution_of_the_same_losses(batch):
    model = lifter('full', elevation=0.)
    mirrored = copy.deepcopy(model)
    mirrored.lifter.signs *= -1
    points, _ = model.normalise(batch['inputs'])
    azimuth = torch.linspace(-2, 2, B)
    zero = torch.zeros(B)
    cycles = [lifting_cycle(m.lift, points, turn, zero) for m, turn in (
        (model, azimuth), (mirrored, -azimuth))]
    for one, other in zip(*(m.cycle_losses(c, points, m.critic).values()
                            for m, c in zip((model, mirrored), cycles))):
        torch.testing.assert_close(one, other)


def test_checkpoints_keep_the_signs(batch):
    model = lifter(depth_sign='anatomy')
    model.lifter.signs[3:7] = -1
    model.bends[:] = torch.arange(4.)
    again = lifter()
    again.load_state_dict(copy.deepcopy(model.state_dict()))
    assert torch.equal(again(batch['inputs']), model(batch['inputs']))
    assert again.bends.equal(model.bends)


def test_layouts_without_knees(monkeypatch, batch):
    from mmviewpose.models.estimators import adversarial_lifter
    monkeypatch.setattr(adversarial_lifter, 'hinges', lambda skeleton: ())
    model = lifter()
    step(model, batch, optimizers(model))
    with pytest.raises(ValueError, match='needs a skeleton with knees'):
        lifter(depth_sign='anatomy')


@pytest.mark.parametrize('options, message', [
    (dict(depth_sign='gravity'), "depth_sign must be one of .* got 'gravity'"),
    (dict(projection='fisheye'), 'projection must be one of'),
    (dict(parts='thirds'), "no partition 'thirds'"),
])
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        lifter(**options)
