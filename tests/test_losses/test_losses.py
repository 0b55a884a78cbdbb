import pytest
import torch

pytest.importorskip('mmengine')

import mmviewpose.models.losses as losses  # noqa: E402
from mmviewpose import functional  # noqa: E402
from mmviewpose.registry import MODELS  # noqa: E402
from mmviewpose.skeletons import get_skeleton  # noqa: E402


@pytest.fixture
def poses():
    return 1000 * torch.randn(2, 4, 17, 3, generator=torch.Generator().manual_seed(0))


def expected(name, first, second, weight, reduction):
    skeleton = get_skeleton('ape17')
    return {
        'JointPositionLoss':
            lambda: functional.joint_position_loss(first, second, weight, reduction),
        'BoneLengthLoss':
            lambda: functional.bone_length_loss(first, second, skeleton.bones, weight, reduction),
        'LimbSymmetryLoss':
            lambda: functional.limb_symmetry_loss(first, skeleton.bones,
                                                  skeleton.symmetric_bones, weight, reduction),
    }[name]()


@pytest.mark.parametrize('reduction', ['mean', 'sum'])
@pytest.mark.parametrize('name', ['JointPositionLoss', 'BoneLengthLoss', 'LimbSymmetryLoss'])
def test_pose_losses_hold_a_weight_and_call_their_function(name, reduction, poses):
    loss = MODELS.build(dict(type=name, loss_weight=0.5, reduction=reduction))
    weight = torch.rand(4, 17)
    for w in (None, weight):
        torch.testing.assert_close(loss(poses[0], poses[1], w),
                                   0.5 * expected(name, poses[0], poses[1], w, reduction))


def test_feature_losses_hold_a_weight_and_call_their_function():
    first, second = torch.randn(2, 4, 16, 16).unbind(0)
    loss = MODELS.build(dict(type='FeatureConsistencyLoss', loss_weight=0.1))
    torch.testing.assert_close(loss(first, second),
                               0.1 * functional.feature_consistency_loss(first, second))
    loss = MODELS.build(dict(type='OrthogonalityLoss', loss_weight=5., reduction='sum'))
    torch.testing.assert_close(
        loss(first), 5 * functional.orthogonality_loss(first, reduction='sum'))
    torch.testing.assert_close(loss(first, weight=torch.tensor([1., 0., 0., 0.])),
                               5 * functional.orthogonality_loss(first[:1], reduction='sum'))


def test_indices_stay_out_of_checkpoints_and_follow_the_device():
    loss = losses.LimbSymmetryLoss()
    assert not loss.state_dict() and len(list(loss.buffers())) == 2


def test_a_loss_first_used_without_gradients_trains_afterwards(poses):
    loss = losses.BoneLengthLoss()
    with torch.inference_mode():
        loss(poses[0], poses[1])
    pred = poses[0].clone().requires_grad_()
    loss(pred, poses[1]).backward()
    assert pred.grad.abs().sum() > 0


def test_any_layout():
    skeleton = get_skeleton('ntu25')
    poses = torch.randn(2, 3, 25, 3)
    torch.testing.assert_close(
        losses.BoneLengthLoss('ntu25')(poses[0], poses[1]),
        functional.bone_length_loss(poses[0], poses[1], skeleton.bones))


def test_feature_loss_passes_its_norm_on():
    first, second = torch.randn(2, 4, 17, 16).unbind(0)
    loss = losses.FeatureConsistencyLoss(2., norm='mean_square')
    torch.testing.assert_close(loss(first, second), 2 * (first - second).square().mean())
