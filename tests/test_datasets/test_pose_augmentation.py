import pytest
import torch

from mmviewpose.datasets.transforms import (CopyToViews, CorruptJoints, MirrorPoses, PackPoses,
                                            RotatePoses, ScaleBones, ScalePoses)
from mmviewpose.functional.skeleton_terms import bone_lengths
from mmviewpose.skeletons import get_skeleton

APE = get_skeleton('ape17')


@pytest.fixture
def poses():
    torch.manual_seed(0)
    return torch.randn(500, 17, 3) * 300


def lengths(poses):
    return bone_lengths(poses, APE.bones)


def test_mirroring_keeps_bone_lengths_up_to_the_exchange_of_sides(poses):
    mirrored = MirrorPoses(prob=1.)(dict(keypoints=poses))['keypoints']
    assert torch.allclose(mirrored[:, 4], poses[:, 7] * torch.tensor([-1., 1., 1.]))
    again = MirrorPoses(prob=1.)(dict(keypoints=mirrored))['keypoints']
    assert torch.equal(again, poses)
    some = MirrorPoses(prob=0.3)(dict(keypoints=poses))['keypoints']
    changed = (some != poses).flatten(1).any(1).float().mean()
    assert 0.2 < changed < 0.4


def test_scaled_bones_keep_direction_and_share_the_factor_of_their_twin(poses):
    scaled = ScaleBones(factors=(0.5, 1.5))(dict(keypoints=poses.clone()))['keypoints']
    factor = lengths(scaled) / lengths(poses)
    assert factor.min() >= 0.499 and factor.max() <= 1.501
    for left, right in APE.symmetric_bones:
        assert torch.allclose(factor[:, left], factor[:, right], rtol=1e-3)
    assert (factor.std(1) > 0.05).all()
    child, parent = torch.tensor(APE.bones).T
    cosine = torch.cosine_similarity(scaled[:, child] - scaled[:, parent],
                                     poses[:, child] - poses[:, parent], dim=-1)
    assert cosine.min() > 0.999
    assert torch.allclose(scaled[:, 0], poses[:, 0])


def test_poses_scale_as_a_whole(poses):
    scaled = ScalePoses((0.9, 1.1))(dict(keypoints=poses.clone()))['keypoints']
    factor = lengths(scaled) / lengths(poses)
    assert torch.allclose(factor, factor[:, :1].expand_as(factor), rtol=1e-4)
    assert factor.min() >= 0.899 and factor.max() <= 1.101


@pytest.mark.parametrize('mode', ['so3', 'yaw'])
def test_each_sample_is_turned_by_a_rotation_of_its_own(poses, mode):
    same = poses[:1].expand(500, -1, -1).clone()
    turned = RotatePoses(mode)(dict(keypoints=same))['keypoints']
    assert torch.allclose(lengths(turned), lengths(same), rtol=1e-3)
    assert turned[:, 3].std(0).min() > (50 if mode == 'so3' else -1)
    if mode == 'yaw':
        assert torch.allclose(turned[..., 1], same[..., 1], atol=1e-2)
    assert len({round(value, 2) for value in turned[:, 3, 0].tolist()}) > 400


def test_a_view_turns_together_with_its_target(poses):
    batch = dict(keypoints=poses, corrupted=poses + 10)
    batch = CopyToViews(2)(batch)
    before = {key: value.clone() for key, value in batch.items()}
    batch = RotatePoses('so3', view=1)(batch)
    assert torch.equal(batch['keypoints'][:, 0], before['keypoints'][:, 0])
    assert not torch.allclose(batch['keypoints'][:, 1], before['keypoints'][:, 1], atol=1.)
    offset = (batch['corrupted'] - batch['keypoints'])[:, 1]
    assert torch.allclose(offset.norm(dim=-1), torch.tensor(300. ** 0.5), atol=2e-2)


def test_corruption_moves_one_to_five_joints_by_the_given_distance(poses):
    batch = CorruptJoints((1, 5), (200., 600.))(dict(keypoints=poses))
    moved = (batch['corrupted'] - poses).norm(dim=-1)
    assert torch.equal(moved > 1., batch['moved'])
    assert torch.equal(batch['moved'].sum(-1), batch['num_moved'])
    assert set(batch['num_moved'].tolist()) == {1, 2, 3, 4, 5}
    distance = moved[batch['moved']]
    assert distance.min() >= 199.9 and distance.max() <= 600.1
    assert batch['moved'].float().mean(0).min() > 0.1, 'some joint is hardly ever moved'


def test_views_are_corrupted_independently_and_a_share_stays_clean(poses):
    batch = CorruptJoints(3, clean_prob=0.25, jitter=40.)(
        CopyToViews(2)(dict(keypoints=poses)))
    assert (batch['moved'][:, 0] != batch['moved'][:, 1]).any(-1).float().mean() > 0.5
    clean = batch['num_moved'] == 0
    assert 0.2 < clean.float().mean() < 0.3
    assert torch.equal(batch['corrupted'][clean], batch['keypoints'][clean])
    shaken = (batch['corrupted'] - batch['keypoints'])[~clean][~batch['moved'][~clean]]
    assert 5 < shaken.std() < 40


def test_packing_centres_on_the_root_of_the_input_and_keeps_the_error_true(poses):
    batch = CorruptJoints(17)(dict(keypoints=poses, index=torch.arange(500)))
    error = (batch['corrupted'] - batch['keypoints']).norm(dim=-1)
    packed = PackPoses()(batch)
    assert packed['inputs'][:, 0].abs().max() == 0
    target = packed['data_samples']['target']
    assert torch.allclose((packed['inputs'] - target).norm(dim=-1), error, rtol=1e-3, atol=1e-2)
    assert target[:, 0].norm(dim=-1).min() > 100, 'the clean root leaked into the input'
    assert torch.equal(packed['data_samples']['num_moved'], batch['num_moved'])
