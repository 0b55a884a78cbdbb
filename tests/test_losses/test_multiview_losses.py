"""The losses of several views, as mmpose's heads call them."""
import importlib

import pytest
import torch

pytest.importorskip('mmpose')

from mmengine.config import ConfigDict  # noqa: E402
from mmengine.registry import DefaultScope  # noqa: E402

import mmviewpose.compat  # noqa: E402,F401
from mmviewpose import functional  # noqa: E402
from mmviewpose.errors import UserError  # noqa: E402
from mmviewpose.models import losses  # noqa: E402
from mmviewpose.registry import MODELS  # noqa: E402

CLIPS, VIEWS, FRAMES, JOINTS = 3, 2, 4, 17


@pytest.fixture
def batch():
    """Poses, targets and weights of all views, the views of a clip side by side."""
    generator = torch.Generator().manual_seed(0)
    shape = (CLIPS * VIEWS, FRAMES, JOINTS)
    pred, target = torch.randn(2, *shape, 3, generator=generator)
    weight = torch.rand(shape, generator=generator)
    return pred, target, weight * (weight > 0.2)


def build(name, **options):
    return MODELS.build(dict(type=f'mmviewpose.{name}', **options))


def by_view(value):
    return value.view(CLIPS, VIEWS, *value.shape[1:])


EXPECTED = {
    'MultiviewConsistencyLoss': lambda pred, target, weight, **options:
        functional.multiview_consistency(
            by_view(pred), confidence=None if weight is None else by_view(weight), **options),
    'VelocityLoss': functional.velocity_loss,
    'ScaleLoss': functional.scale_loss,
    'ReprojectionLoss': functional.reprojection_loss,
}
OPTIONS = {'MultiviewConsistencyLoss': dict(num_views=VIEWS)}


@pytest.mark.parametrize('reduction', ['mean', 'sum'])
@pytest.mark.parametrize('name', EXPECTED)
def test_it_holds_a_weight_and_calls_its_function(name, reduction, batch):
    loss = build(name, loss_weight=0.2, reduction=reduction, **OPTIONS.get(name, {}))
    pred, target, weight = batch
    expected = EXPECTED[name](pred, target, None, reduction=reduction)
    torch.testing.assert_close(loss(pred, target), 0.2 * expected)
    torch.testing.assert_close(loss(pred, target, None), 0.2 * expected)
    expected = EXPECTED[name](pred, target, weight, reduction=reduction)
    for given in (weight, weight[..., None]):  # mmpose's heads add an axis
        torch.testing.assert_close(loss(pred, target, given), 0.2 * expected)
    pred = pred.clone().requires_grad_()
    loss(pred, target, weight).backward()
    assert pred.grad.isfinite().all() and pred.grad.any()


@pytest.mark.parametrize('options', [dict(per_frame=True), dict(detach_transform=True)], ids=str)
def test_options_of_the_consistency(options, batch):
    pred, other = batch[0].clone().requires_grad_(), batch[0].clone().requires_grad_()
    build('MultiviewConsistencyLoss', num_views=VIEWS, **options)(pred).backward()
    functional.multiview_consistency(by_view(other), **options).backward()
    torch.testing.assert_close(pred.grad, other.grad)
    assert not torch.equal(pred.grad, torch.zeros_like(pred))


def test_one_scale_a_sequence(batch):
    pred, target, _ = batch
    found = build('ScaleLoss', per_frame=False)(pred, target)
    torch.testing.assert_close(found, functional.scale_loss(pred, target, per_frame=False))


def test_one_pose_a_clip(batch):
    """VideoPose3D predicts (B, K, 3); some heads keep an axis of one frame."""
    loss = build('MultiviewConsistencyLoss', num_views=VIEWS)
    pred, _, weight = (value[:, 0] for value in batch)
    expected = functional.multiview_consistency(by_view(pred)[:, :, None])
    torch.testing.assert_close(loss(pred), expected)
    torch.testing.assert_close(loss(pred[:, None]), expected)
    expected = functional.multiview_consistency(by_view(pred)[:, :, None],
                                                confidence=by_view(weight)[:, :, None])
    for given in (weight, weight[..., None]):
        torch.testing.assert_close(loss(pred, None, given), expected)
    torch.testing.assert_close(loss(pred[:, None], None, weight[:, None, :, None]), expected)


def test_the_views_of_a_clip_are_consecutive(batch):
    first = torch.randn(CLIPS, FRAMES, JOINTS, 3)
    pred = torch.stack([first, 2 * first + 1], 1).flatten(0, 1)
    assert build('MultiviewConsistencyLoss', num_views=2)(pred) < 1e-5
    assert build('MultiviewConsistencyLoss', num_views=2)(pred.roll(1, 0)) > 0.1


def test_unlabelled_joints_may_be_nan(batch):
    loss = build('MultiviewConsistencyLoss', num_views=VIEWS)
    pred, _, weight = batch
    expected = loss(pred, None, weight)
    pred = pred.clone()
    pred[weight == 0] = float('nan')
    torch.testing.assert_close(loss(pred.requires_grad_(), None, weight), expected)
    assert loss(pred, None, torch.zeros_like(weight)) == 0


def test_the_terms_of_equation_5_are_those_of_mmpose(batch):
    from mmpose.models.losses import MPJPEVelocityJointLoss
    pred, target, _ = batch
    theirs = MPJPEVelocityJointLoss()(pred, target)
    ours = build('SumLoss', losses=[
        dict(type='JointPositionLoss'), dict(type='VelocityLoss', loss_weight=20.),
        dict(type='ScaleLoss', loss_weight=0.5)])
    torch.testing.assert_close(ours(pred, target), theirs)


def test_a_sum_of_losses_of_several_registries(batch):
    pred, target, weight = batch
    loss = build('SumLoss', loss_weight=3., losses=[
        dict(type='mmpose.MPJPELoss', use_target_weight=True),
        dict(type='MultiviewConsistencyLoss', num_views=2, loss_weight=0.2)])
    assert type(loss.losses[0]).__module__.startswith('mmpose')
    parts = [part(pred, target, weight[..., None]) for part in loss.losses]
    torch.testing.assert_close(loss(pred, target, weight[..., None]), 3 * (parts[0] + parts[1]))
    with pytest.raises(ValueError, match='at least one loss'):
        build('SumLoss', losses=[])


@pytest.mark.parametrize('scope', ['mmpose', 'mmaction', 'mmviewpose'])
def test_from_a_config_of_any_scope(scope):
    """Without custom_imports; test_registry.py does it in fresh interpreters."""
    registry = importlib.import_module(f'{scope}.registry').MODELS
    with DefaultScope.overwrite_default_scope(scope):
        loss = registry.build(ConfigDict(type='mmviewpose.SumLoss', losses=[
            dict(type=f'mmviewpose.{name}', **OPTIONS.get(name, {})) for name in EXPECTED]))
    assert [type(part).__name__ for part in loss.losses] == list(EXPECTED)


@pytest.mark.parametrize('scope, name', [('mmpose', 'MPJPELoss'), ('mmviewpose', 'VelocityLoss')])
def test_a_sum_finds_short_names_of_the_scope(scope, name):
    with DefaultScope.overwrite_default_scope(scope):
        loss = MODELS.build(dict(type='mmviewpose.SumLoss', losses=[dict(type=name)]))
    assert type(loss.losses[0]).__module__.split('.')[0] == scope


# Bad input


def test_one_view_only(batch):
    for number in (1, 0):
        with pytest.raises(ValueError, match=f'2 views or more, got num_views={number}'):
            losses.MultiviewConsistencyLoss(num_views=number)


@pytest.mark.parametrize('size', [5, 0])
def test_a_batch_that_is_not_whole_clips(size, batch):
    loss = losses.MultiviewConsistencyLoss(num_views=2)
    with pytest.raises(UserError, match=f'a batch of {size} sequences is not whole clips of 2 views'
                                        '.*MultiviewBatchSampler.*num_views=2.*multiple'):
        loss(batch[0][:size])


@pytest.mark.parametrize('shape', [(4, 17), (4, 3, 17, 2), (4, 51), (2, 2, 3, 17, 3)], ids=str)
def test_what_is_not_a_batch_of_poses(shape):
    with pytest.raises(ValueError, match=r'\(B \* V, T, K, 3\) or \(B \* V, K, 3\), got'):
        losses.MultiviewConsistencyLoss(num_views=2)(torch.zeros(shape))


@pytest.mark.parametrize('name', EXPECTED)
def test_weights_that_do_not_fit(name, batch):
    pred, target, _ = batch
    loss = build(name, **OPTIONS.get(name, {}))
    with pytest.raises(ValueError, match='one weight a joint'):
        loss(pred, target, torch.ones_like(pred))
    with pytest.raises((ValueError, RuntimeError), match='weights .* do not fit|size'):
        loss(pred, target, torch.ones(pred.shape[0], FRAMES, JOINTS + 1))


def test_an_unknown_reduction(batch):
    for name in EXPECTED:
        with pytest.raises(ValueError, match='reduction must be'):
            build(name, reduction='median', **OPTIONS.get(name, {}))(*batch)
