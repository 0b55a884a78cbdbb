import numpy as np
import pytest
import torch

from mmviewpose.functional import joint_position_loss


@pytest.fixture
def poses():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 3, 5, 3, dtype=torch.float64, generator=generator).unbind(0)


def test_against_a_loop(poses):
    pred, target = (pose.numpy() for pose in poses)
    distances = np.array([[np.linalg.norm(pred[b, k] - target[b, k]) for k in range(5)]
                          for b in range(3)])
    assert joint_position_loss(*poses).item() == pytest.approx(distances.mean())
    assert joint_position_loss(*poses, reduction='sum').item() == pytest.approx(distances.sum())
    np.testing.assert_allclose(joint_position_loss(*poses, reduction='none'), distances)
    weight = np.array([1., 0., 2., 1., 0.])
    assert joint_position_loss(*poses, torch.from_numpy(weight)).item() == pytest.approx(
        (distances * weight).sum() / (3 * weight.sum()))


def test_gradient(poses):
    pred, target = poses[0].clone().requires_grad_(), poses[1]
    assert torch.autograd.gradcheck(lambda x: joint_position_loss(x, target), pred)


def test_gradient_of_an_exact_joint_is_zero(poses):
    pred = poses[0].clone().requires_grad_()
    joint_position_loss(pred, poses[0]).backward()
    assert torch.equal(pred.grad, torch.zeros_like(pred))


def test_a_masked_nan_reaches_no_gradient(poses):
    pred, target = poses[0].clone().requires_grad_(), poses[1].clone()
    target[:, 2] = float('nan')
    mask = torch.tensor([True, True, False, True, True])
    loss = joint_position_loss(pred, target, mask)
    loss.backward()
    assert loss.isfinite() and pred.grad.isfinite().all()
    assert torch.equal(pred.grad[:, 2], torch.zeros(3, 3, dtype=torch.float64))
