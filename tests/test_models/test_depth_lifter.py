import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope

from mmviewpose.datasets.datasets.pose_dataset import SyntheticPoseDataset
from mmviewpose.errors import UserError
from mmviewpose.models import AdversarialLifter, DepthLifter
from mmviewpose.skeletons import get_skeleton

LOSS = dict(type='JointPositionLoss')


def lifter(parts='leg-torso', seed=0, width=24, **options):
    torch.manual_seed(seed)
    network = dict(type='PartLifter', width=width, blocks=1)
    with DefaultScope.overwrite_default_scope('mmviewpose'):
        return DepthLifter(network, parts, **{'depth': LOSS, **options})


def people(projection='orthographic', count=64):
    torch.manual_seed(0)
    dataset = SyntheticPoseDataset(count, pipeline=[
        dict(type='ProjectPoses', projection=projection), dict(type='PackLifting')])
    return dataset.__getitems__(range(count))


@pytest.fixture(scope='module', params=['orthographic', 'perspective'])
def seen(request):
    return request.param, people(request.param)


@pytest.mark.parametrize('skeleton', ['ape17', 'h36m16', 'coco17'])
def test_shapes_and_the_root(skeleton):
    layout = get_skeleton(skeleton)
    points = 300 * torch.randn(6, layout.num_joints, 2) + 100
    model = lifter(skeleton=skeleton).eval()
    poses = model(points)
    assert poses.shape == (6, layout.num_joints, 3) and not poses[:, layout.root].any()
    torch.testing.assert_close(poses[..., :2], points - points[:, layout.root, None])
    assert model.joints == [j for j in range(layout.num_joints) if j != layout.root]
    torch.testing.assert_close(model(points + 50), poses, atol=1e-3, rtol=1e-4)


def test_points_are_within_one_and_depths_in_their_unit(seen):
    projection, batch = seen
    model = lifter(projection=projection)
    points, scale = model.normalise(batch['inputs'])
    torch.testing.assert_close(points.abs().amax((1, 2)), torch.ones(64))
    depths = model.lift(points)
    torch.testing.assert_close(model(batch['inputs'])[:, model.joints, 2],
                               depths * scale[:, 0], atol=1e-2, rtol=1e-4)


def test_what_predict_gives(seen):
    projection, batch = seen
    model = lifter(projection=projection).eval()
    result, = model.test_step(batch)
    samples = batch['data_samples']
    assert result.keys() == {*samples, 'keypoints', 'flat', 'keypoints_2d'}
    for key in samples:
        assert result[key] is samples[key]
    torch.testing.assert_close(result['keypoints'], model(batch['inputs']))
    assert not result['flat'][..., 2].any() and result['keypoints_2d'] is batch['inputs']
    root = result['keypoints_2d'] - result['keypoints_2d'][:, :1]
    torch.testing.assert_close(result['flat'][..., :2], root, atol=1e-3, rtol=1e-4)


def test_a_lifted_pose_is_seen_as_what_was_given(seen):
    projection, batch = seen
    inputs = batch['inputs'].double()
    poses = lifter(projection=projection).double()(inputs)
    image = poses[..., :2]
    if projection == 'perspective':
        image = image * 4500 / (4500 - poses[..., 2:])
    torch.testing.assert_close(image, inputs - inputs[:, :1])


def test_true_depths_give_the_true_pose():
    """``ProjectPoses`` and the lifter mean the same camera."""
    for projection in ('orthographic', 'perspective'):
        batch = people(projection)
        target = batch['data_samples']['target']
        model = lifter(projection=projection)
        points, scale = model.normalise(batch['inputs'])
        found = model.to_poses(points, target[:, model.joints, 2] / scale[..., 0], scale)
        if projection == 'perspective':  # the root is 4.5 m away only by name
            found = found / found.flatten(1).norm(dim=1)[:, None, None]
            target = target / target.flatten(1).norm(dim=1)[:, None, None]
            cosine = (found * target).sum((1, 2))
            assert cosine.min() > 0.98
        else:
            torch.testing.assert_close(found, target, atol=1e-2, rtol=1e-4)


def test_three_times_larger_inputs_give_three_times_larger_poses():
    model, batch = lifter().eval(), people()
    torch.testing.assert_close(model(3 * batch['inputs']), 3 * model(batch['inputs']),
                               atol=1e-2, rtol=1e-4)


@pytest.mark.parametrize('projection', ['orthographic', 'perspective'])
def test_a_pose_without_size(projection):
    model = lifter(projection=projection)
    inputs = people(projection)['inputs'].clone()
    inputs[3] = 70.
    inputs.requires_grad_()
    poses = model(inputs)
    assert not poses[3].any() and poses.isfinite().all()
    losses = model(inputs, dict(target=torch.zeros(64, 17, 3)), mode='loss')
    losses['loss_depth'].backward()
    assert inputs.grad.isfinite().all() and inputs.grad[0].any()
    assert all(weight.grad.isfinite().all() for weight in model.parameters())


def test_the_loss_is_that_of_depths_in_the_normalised_unit():
    model, batch = lifter(), people()
    points, scale = model.normalise(batch['inputs'])
    target = batch['data_samples']['target'][:, 1:, 2] / scale[..., 0]
    expected = (model.lift(points) - target).abs().mean()  # of one coordinate: no square to take
    torch.testing.assert_close(model(**batch, mode='loss')['loss_depth'], expected)


def test_it_learns():
    model, batch = lifter('full'), people()
    wrapper = build_optim_wrapper(model, dict(optimizer=dict(type='Adam', lr=3e-3)))
    losses = [model.train_step(batch, wrapper)['loss'] for _ in range(60)]
    assert losses[-1] < 0.5 * losses[0]


def test_parts_are_named_and_of_the_skeleton():
    model = lifter(dict(left=['left_arm', 'left_leg'], rest=['torso', 'right_arm', 'right_leg']))
    names = [get_skeleton('ape17').joints[model.joints[joint]] for joint in model.parts['left']]
    assert names == [f'left_{joint}' for joint in ('shoulder', 'elbow', 'wrist', 'hip', 'knee',
                                                   'ankle')]
    jacobian = torch.autograd.functional.jacobian(
        lambda points: model(points)[..., 2].sum(0), people(count=4)['inputs'])
    left = [model.joints[joint] for joint in model.parts['left']]
    right = [joint for joint in model.joints if joint not in left]
    assert jacobian[left][:, :, left].any()
    # across parts only through the pose's root and size: the largest coordinate of each
    widest = model.normalise(people(count=4)['inputs'])[0].abs().amax(2).argmax(1)
    for sample, joint in enumerate(widest):
        others = [j for j in right if j != model.joints[joint]]
        assert not jacobian[left][:, sample][:, others].any()


def test_bad_options():
    with pytest.raises(ValueError, match="projection must be one of .* got 'fisheye'"):
        lifter(projection='fisheye')
    with pytest.raises(ValueError, match='partition of ape17 misses spine_mid'):
        lifter(dict(legs=['left_leg', 'right_leg']))
    with pytest.raises(ValueError, match="mode must be .* got 'predicts'"):
        lifter()(torch.randn(2, 17, 2), mode='predicts')
    with pytest.raises(ValueError, match='no partition'):
        lifter('arms')


def gradients(model, batch):
    """The loss, and what it asks of the weights."""
    loss = model(**batch, mode='loss')['loss_depth']
    return [loss, *torch.autograd.grad(loss, list(model.parameters()))]


def test_joints_without_3d_do_not_count():
    model, batch = lifter(), people()
    mask = torch.rand(64, 17) < 0.7
    mask[5] = False
    target = batch['data_samples']['target']
    points, scale = model.normalise(batch['inputs'])
    errors = (model.lift(points) - target[:, 1:, 2] / scale[..., 0]).abs()
    found = [gradients(model, dict(batch, data_samples=dict(
        target=target.masked_fill(~mask[..., None], unknown), mask=mask)))
        for unknown in (0., 1e6, float('nan'))]
    torch.testing.assert_close(found[0][0], errors[mask[:, 1:]].mean())
    assert any(gradient.any() for gradient in found[0][1:])
    for other in found[1:]:
        torch.testing.assert_close(other, found[0])
    samples = dict(target=target * float('nan'), mask=torch.zeros(64, 17))
    assert not any(value.any() for value in gradients(model, dict(batch, data_samples=samples)))


def test_a_config_without_a_loss():
    model, batch = lifter(depth=None), people(count=4)
    with pytest.raises(UserError, match=r'with a loss of depths: depth=dict\(type='):
        model(**batch, mode='loss')
    assert model(batch['inputs']).isfinite().all()


def test_predict_without_labels():
    model, inputs = lifter().eval(), people(count=4)['inputs']
    result, = model(inputs, mode='predict')
    assert result.keys() == {'keypoints', 'flat', 'keypoints_2d'}
    torch.testing.assert_close(result['keypoints'], model(inputs))


def test_weights_of_a_lifter_that_learned_without_labels(tmp_path):
    path, inputs = str(tmp_path / 'epoch_1.pth'), people()['inputs']
    torch.manual_seed(1)
    with DefaultScope.overwrite_default_scope('mmviewpose'):
        first = AdversarialLifter(dict(type='PartLifter', width=24, blocks=1),
                                  dict(type='PoseCritic', width=8, blocks=1), parts='leg-torso')
    first.lifter.signs[3:9] = -1
    torch.save(dict(state_dict=first.state_dict()), path)
    model = lifter(init_cfg=dict(type='Pretrained', checkpoint=path))
    assert not torch.equal(model(inputs), first(inputs))
    model.init_weights()
    assert model.lifter.signs.equal(first.lifter.signs) and (model.lifter.signs < 0).any()
    torch.testing.assert_close(model(inputs), first(inputs))
    with pytest.raises(UserError, match='of another shape'):
        lifter(width=16, init_cfg=dict(type='Pretrained', checkpoint=path)).init_weights()
