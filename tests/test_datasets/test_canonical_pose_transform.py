import pytest
import torch

from mmviewpose.datasets import ArrayDataset
from mmviewpose.geometry import canonical_pose, random_rotations, rotate
from mmviewpose.registry import TRANSFORMS
from mmviewpose.skeletons import get_skeleton


def poses(*shape):
    return 300 * torch.randn(*shape, 17, 3, generator=torch.Generator().manual_seed(0))


def transform(**options):
    return TRANSFORMS.build(dict(type='CanonicalPose', **options))


@pytest.mark.parametrize('layout', ['h36m17', 'ape17', 'mpi_inf_3dhp17'])
@pytest.mark.parametrize('up', ['+y', '+z'])
@pytest.mark.parametrize('shape', [(5,), (5, 3)])
def test_it_is_the_function_with_the_layouts_joints(layout, up, shape):
    skeleton, given, other = get_skeleton(layout), poses(*shape), torch.arange(5)
    batch = transform(skeleton=layout, up=up)(dict(pose=given.clone(), subject=other))
    assert set(batch) == {'pose', 'subject'} and torch.equal(batch['subject'], other)
    joints = skeleton.index('pelvis'), skeleton.index('left_hip')
    torch.testing.assert_close(batch['pose'], canonical_pose(given, *joints, up=up))


def test_without_the_turn_poses_stay_in_the_worlds_axes():
    given = poses(4)
    batch = transform(skeleton='mpi_inf_3dhp17', rotate=False)(dict(pose=given))
    torch.testing.assert_close(batch['pose'], given - given[:, 14:15])


def test_in_a_pipeline_and_hidden_poses_stay_hidden():
    given = poses(6)
    given[::2] = 0.
    data = ArrayDataset(dict(pose=given), pipeline=[dict(type='CanonicalPose')])
    batch = data.__getitems__(range(6))
    assert torch.equal(batch['pose'][::2], given[::2]) and torch.equal(data.arrays['pose'], given)
    turns = random_rotations(6, mode='yaw', generator=torch.Generator().manual_seed(1))
    moved = ArrayDataset(dict(pose=rotate(given, turns) + 900.), pipeline=data.pipeline.transforms)
    torch.testing.assert_close(moved.__getitems__(range(6))['pose'], batch['pose'],
                               atol=.01, rtol=0)


@pytest.mark.parametrize('options, message', [
    (dict(up='z'), 'up must be a sign and an axis'),
    (dict(skeleton='hands'), "no skeleton layout 'hands'")])
def test_what_it_cannot_do_is_said_when_it_is_built(options, message):
    with pytest.raises((ValueError, KeyError), match=message):
        transform(**options)
