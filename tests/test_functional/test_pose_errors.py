import math

import numpy as np
import pytest
import torch

from mmviewpose.functional import auc, mpjpe, n_mpjpe, pa_mpjpe, pck3d, velocity_error


@pytest.fixture
def poses():
    generator = torch.Generator().manual_seed(0)
    target = 300 * torch.randn(6, 5, 17, 3, dtype=torch.float64, generator=generator)
    noise = 70 * torch.randn(6, 5, 17, 3, dtype=torch.float64, generator=generator)
    return 0.8 * (target + noise), target


@pytest.fixture
def mask():
    generator = torch.Generator().manual_seed(1)
    mask = torch.rand(6, 5, 17, generator=generator) < 0.7
    mask[..., :4] = True
    return mask


def mmpose_functions():
    pytest.importorskip('mmengine')
    import mmviewpose.compat  # noqa: F401
    return pytest.importorskip('mmpose.evaluation.functional')


def distances(pred, target):
    return np.sqrt(((pred.numpy() - target.numpy())**2).sum(-1))


def test_mpjpe(poses, mask):
    by_hand = distances(*poses)
    assert mpjpe(*poses).item() == pytest.approx(by_hand.mean())
    np.testing.assert_allclose(mpjpe(*poses, reduction='none'), by_hand)
    np.testing.assert_allclose(mpjpe(*poses, reduction='sample'), by_hand.mean(-1))
    assert mpjpe(*poses, mask).item() == pytest.approx(by_hand[mask.numpy()].mean())
    np.testing.assert_allclose(
        mpjpe(*poses, mask, 'sample'), [[by_hand[b, t][mask[b, t].numpy()].mean()
                                         for t in range(5)] for b in range(6)])


def test_what_no_joint_counts_for_is_nan_and_hidden_nan_is_not_seen(poses, mask):
    pred, target = poses
    target = target.masked_fill(~mask[..., None], float('nan'))
    mask = mask.clone()
    mask[2, 3] = False
    for error in (mpjpe, n_mpjpe, pa_mpjpe, pck3d, auc):
        assert error(pred, target, mask).isfinite(), error
        sample = error(pred, target, mask, 'sample')
        assert sample.isnan().sum() == 1 and sample[2, 3].isnan(), error
        assert torch.equal(error(pred, target, mask, 'none').isnan(), ~mask), error
    with pytest.raises(ValueError, match='reduction'):
        mpjpe(pred, target, reduction='sum')


def test_n_mpjpe_scales_about_the_origin(poses, mask):
    pred, target = poses
    best = np.zeros((6, 5))
    for b in range(6):
        for t in range(5):
            scale = (pred[b, t] * target[b, t]).sum() / (pred[b, t]**2).sum()
            best[b, t] = distances(scale * pred[b, t], target[b, t]).mean()
    np.testing.assert_allclose(n_mpjpe(pred, target, reduction='sample'), best)
    torch.testing.assert_close(n_mpjpe(7 * pred, target), n_mpjpe(pred, target))
    assert n_mpjpe(torch.zeros_like(pred), target).isfinite()


def test_alignment_errors_agree_with_mmpose(poses):
    functions = mmpose_functions()
    pred, target = (pose.flatten(0, 1) for pose in poses)
    visible = np.ones(pred.shape[:2], dtype=bool)
    for alignment, ours in (('none', mpjpe), ('scale', n_mpjpe), ('procrustes', pa_mpjpe)):
        theirs = functions.keypoint_mpjpe(pred.numpy(), target.numpy(), visible, alignment)
        assert ours(pred, target).item() == pytest.approx(theirs, rel=1e-9)


def test_pa_mpjpe_forgives_similarity_and_nothing_else(poses):
    from mmviewpose.geometry import random_rotations, rotate
    pred, target = poses
    turned = 3 * rotate(target, random_rotations(6, dtype=torch.float64)[:, None]) + 1000
    assert pa_mpjpe(turned, target) < 1e-6
    torch.testing.assert_close(
        pa_mpjpe(2 * rotate(pred, random_rotations(6, dtype=torch.float64)[:, None]), target),
        pa_mpjpe(pred, target))


def test_a_mirrored_body_costs_something_under_pa_mpjpe(poses):
    target = poses[1]
    mirrored = target * torch.tensor([-1., 1., 1.], dtype=torch.float64)
    assert pa_mpjpe(mirrored, target, reduction='sample').min() > 50
    assert pa_mpjpe(mirrored, target, allow_reflection=True) < 1e-6


def test_pa_mpjpe_aligns_by_the_joints_that_count(poses, mask):
    pred, target = poses
    alone = pa_mpjpe(pred[1, 2][mask[1, 2]], target[1, 2][mask[1, 2]])
    torch.testing.assert_close(pa_mpjpe(pred, target, mask, 'sample')[1, 2], alone)


def test_pa_mpjpe_is_one_value_with_and_without_gradient(poses, mask):
    pred, target = poses
    trained = pred.clone().requires_grad_()
    error = pa_mpjpe(trained, target, mask)
    error.backward()
    torch.testing.assert_close(error.detach(), pa_mpjpe(pred, target, mask))
    assert trained.grad.isfinite().all()


@pytest.mark.parametrize('error', [mpjpe, n_mpjpe, pa_mpjpe, velocity_error])
def test_gradcheck(error, poses):
    pred, target = (pose[:2, :3, :5].clone() for pose in poses)
    assert torch.autograd.gradcheck(lambda x: error(x, target), pred.requires_grad_(), atol=1e-4)


def test_velocity_error(poses, mask):
    pred, target = (pose.numpy() for pose in poses)
    by_hand = np.zeros((6, 4, 17))
    for t in range(4):
        by_hand[:, t] = np.linalg.norm(
            (pred[:, t + 1] - pred[:, t]) - (target[:, t + 1] - target[:, t]), axis=-1)
    np.testing.assert_allclose(velocity_error(*poses, reduction='none'), by_hand)
    both = (mask[:, 1:] & mask[:, :-1]).numpy()
    assert velocity_error(*poses, mask).item() == pytest.approx(by_hand[both].mean())
    shifted = poses[1] + 100 * torch.randn(6, 1, 1, 3, dtype=torch.float64)
    assert velocity_error(shifted, poses[1]) < 1e-9
    with pytest.raises(ValueError, match='T >= 2'):
        velocity_error(poses[0][:, :1], poses[1][:, :1])


def test_pck_and_auc_by_brute_force(poses, mask):
    by_hand = distances(*poses)
    assert pck3d(*poses, mask, threshold=80.).item() == pytest.approx(
        100 * (by_hand[mask.numpy()] < 80).mean())
    thresholds = [5. * n for n in range(31)]
    curve = [(by_hand[mask.numpy()] < threshold).mean() for threshold in thresholds]
    assert auc(*poses, mask).item() == pytest.approx(100 * np.mean(curve))


def test_thresholds_are_exclusive_and_nan_misses():
    target = torch.zeros(2, 2, 3, dtype=torch.float64)
    pred = target.clone()
    pred[0, 0, 0], pred[1, 1, 0] = 150., math.nan
    assert pck3d(pred, target).item() == 50
    # exact joints are nearer than every threshold but the first, 0
    assert auc(pred, target).item() == pytest.approx(100 * 2 * 30 / 31 / 4)
