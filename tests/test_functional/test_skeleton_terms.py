import numpy as np
import pytest
import torch

from mmviewpose.functional import bone_length_loss, bone_lengths, limb_symmetry_loss
from mmviewpose.functional.skeleton_terms import bone_weights

BONES = ((1, 0), (2, 1), (3, 0), (4, 3), (5, 0))
PAIRS = ((0, 2), (1, 3))


@pytest.fixture
def poses():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 3, 4, 6, 3, dtype=torch.float64, generator=generator).unbind(0)


def loop_lengths(positions):
    lengths = np.zeros(positions.shape[:-2] + (len(BONES), ))
    for place in np.ndindex(*positions.shape[:-2]):
        for n, (child, parent) in enumerate(BONES):
            lengths[place + (n, )] = np.sqrt(
                sum((positions[place][child][d] - positions[place][parent][d])**2
                    for d in range(3)))
    return lengths


def test_bone_lengths(poses):
    np.testing.assert_allclose(bone_lengths(poses[0], BONES), loop_lengths(poses[0].numpy()))


def test_bone_length_loss(poses):
    difference = np.abs(loop_lengths(poses[0].numpy()) - loop_lengths(poses[1].numpy()))
    assert bone_length_loss(*poses, BONES).item() == pytest.approx(difference.mean())
    assert bone_length_loss(*poses, BONES, reduction='sum').item() == pytest.approx(
        difference.sum())
    weight = torch.ones(3, 4, 6)
    weight[..., 3] = 0  # bones 2 and 3 end there
    kept = bone_length_loss(*poses, BONES, weight)
    assert kept.item() == pytest.approx(difference[..., [0, 1, 4]].mean())


def test_limb_symmetry_loss(poses):
    lengths = loop_lengths(poses[0].numpy())
    difference = np.abs(lengths[..., [0, 1]] - lengths[..., [2, 3]])
    pred = poses[0]
    assert limb_symmetry_loss(pred, BONES, PAIRS).item() == pytest.approx(difference.mean())
    assert limb_symmetry_loss(pred, BONES, PAIRS, reduction='sum').item() == pytest.approx(
        difference.sum())
    weight = torch.ones(6)
    weight[4] = 0  # the second pair's right bone
    kept = limb_symmetry_loss(pred, BONES, PAIRS, weight)
    assert kept.item() == pytest.approx(difference[..., 0].mean())


def test_bone_weights_take_masks():
    mask = torch.tensor([True, True, False, True, True, True])
    assert bone_weights(mask, BONES).tolist() == [1, 0, 1, 1, 1]


def test_rotation_changes_no_length(poses):
    from mmviewpose.geometry import random_rotations, rotate
    turned = rotate(poses[0], random_rotations(3, dtype=torch.float64)[:, None])
    torch.testing.assert_close(bone_lengths(turned, BONES), bone_lengths(poses[0], BONES))


def test_gradients(poses):
    pred, target = poses[0][:2, 0].clone().requires_grad_(), poses[1][:2, 0]
    assert torch.autograd.gradcheck(lambda x: bone_length_loss(x, target, BONES), pred)
    assert torch.autograd.gradcheck(lambda x: limb_symmetry_loss(x, BONES, PAIRS), pred)


def test_gradients_are_finite_for_collapsed_and_exact_poses(poses):
    collapsed = torch.zeros(2, 6, 3, dtype=torch.float64, requires_grad=True)
    exact = poses[0][:2, 0].clone().requires_grad_()
    for pose in (collapsed, exact):
        loss = bone_length_loss(pose, exact.detach(), BONES)
        (loss + limb_symmetry_loss(pose, BONES, PAIRS)).backward()
        assert pose.grad.isfinite().all()


def test_a_masked_nan_in_the_target_reaches_no_gradient(poses):
    pred, target = poses[0].clone().requires_grad_(), poses[1].clone()
    target[..., 5, :] = float('nan')
    weight = torch.ones(6)
    weight[5] = 0
    loss = bone_length_loss(pred, target, BONES, weight)
    loss.backward()
    assert loss.isfinite() and pred.grad.isfinite().all()
