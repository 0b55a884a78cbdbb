"""Terms on images of one moment from several views, against loops in float64."""
import numpy as np
import pytest
import torch

from mmviewpose.functional import (equivariance_loss, swap_views, view_bias_loss,
                                   view_reconstruction_loss)
from mmviewpose.geometry import euler_to_matrix, pose_in_view, rotate


def draw(*shape, seed=1):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


# ---------------------------------------------------------------------------------------
# Exchange


def test_two_views_change_places_and_twice_is_the_identity():
    poses = draw(3, 2, 5, 3)
    swapped = swap_views(poses)
    assert torch.equal(swapped[:, 0], poses[:, 1]) and torch.equal(swapped[:, 1], poses[:, 0])
    assert torch.equal(swap_views(swapped), poses)


@pytest.mark.parametrize('views', [2, 3, 4])
def test_each_view_gets_what_another_of_the_same_moment_had(views):
    codes = 100 * torch.arange(5)[:, None] + torch.arange(views)
    for offset in range(1, views):
        swapped = swap_views(codes, offset)
        for b in range(5):
            for v in range(views):
                assert swapped[b, v] == 100 * b + (v + offset) % views != codes[b, v]
        assert torch.equal(swap_views(swapped, views - offset), codes)
    assert torch.equal(swap_views(codes, 0), codes)


def test_what_is_exchanged_may_be_of_any_shape():
    for shape in ((2, 3), (2, 3, 3, 8, 8)):
        values = draw(*shape)
        assert torch.equal(swap_views(values)[:, 2], values[:, 0])


# ---------------------------------------------------------------------------------------
# Reconstruction, Eq. 4, 5 and 7


@pytest.mark.parametrize('reduction', ['mean', 'sum', 'none'])
@pytest.mark.parametrize('views', [1, 2, 3])
def test_reconstruction_against_loops(views, reduction):
    decoded, images = draw(2, 4, views, 3, 5, 5).unbind(0)
    squares = np.zeros((4, views))
    for b in range(4):
        for v in range(views):
            for c in range(3):
                for y in range(5):
                    for x in range(5):
                        squares[b, v] += float(decoded[b, v, c, y, x] - images[b, v, c, y, x]) ** 2
    expected = {'none': squares / 75, 'sum': squares.sum(),
                'mean': (squares / 75).mean(0).sum()}[reduction]
    found = view_reconstruction_loss(decoded, images, reduction)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_reconstruction_of_two_views_is_the_sum_of_their_mean_square_errors():
    decoded, images = draw(2, 4, 2, 3, 5, 5).unbind(0)
    mse = torch.nn.functional.mse_loss
    assert view_reconstruction_loss(decoded, images).item() == pytest.approx(
        sum(mse(decoded[:, v], images[:, v]).item() for v in range(2)))


def test_the_layout_in_memory_does_not_matter():
    decoded, images = draw(2, 4, 2, 3, 8, 8).unbind(0)
    last = decoded.flatten(0, 1).contiguous(memory_format=torch.channels_last).unflatten(0, (4, 2))
    torch.testing.assert_close(view_reconstruction_loss(last, images, 'none'),
                               view_reconstruction_loss(decoded, images, 'none'))


# ---------------------------------------------------------------------------------------
# Equivariance, Eq. 6


@pytest.mark.parametrize('reduction', ['mean', 'sum', 'none'])
@pytest.mark.parametrize('views', [1, 2, 3])
def test_equivariance_against_loops(views, reduction):
    poses, moved = draw(2, 4, views, 7, 3).unbind(0)
    shift = draw(4, views, 2, seed=2)
    squares = np.zeros((4, views))
    for b in range(4):
        for v in range(views):
            for n in range(7):
                for axis in range(3):
                    wanted = poses[b, v, n, axis] + (shift[b, v, axis] if axis < 2 else 0)
                    squares[b, v] += float(wanted - moved[b, v, n, axis]) ** 2
    expected = {'none': squares / 21, 'sum': squares.sum(),
                'mean': (squares / 21).mean(0).sum()}[reduction]
    np.testing.assert_allclose(equivariance_loss(poses, moved, shift, reduction), expected,
                               rtol=1e-12)


def test_features_that_move_with_the_person_cost_nothing():
    poses, shift = draw(4, 2, 7, 3), draw(4, 2, 2, seed=2)
    moved = poses.clone()
    moved[..., 0] += shift[:, :, None, 0]
    moved[..., 1] += shift[:, :, None, 1]
    moved.requires_grad_()
    loss = equivariance_loss(poses, moved, shift)
    loss.backward()
    assert loss < 1e-25 and moved.grad.abs().max() < 1e-12
    # x is not y, the other way is not this way, and depth must stay
    assert equivariance_loss(poses, moved, shift.flip(-1)) > .1
    assert equivariance_loss(poses, moved, -shift) > .1
    deeper = moved.detach() + torch.tensor([0., 0., .3])
    assert equivariance_loss(poses, deeper, shift).item() == pytest.approx(2 * .09 / 3)


def test_a_body_that_turns_with_its_view_changes_nothing():
    """Canonical poses are free up to a rotation Q that the views' rotations take back."""
    scipy = pytest.importorskip('scipy.spatial.transform').Rotation
    canonical, moved = draw(2, 4, 2, 7, 3).unbind(0)
    angles, places, shift = draw(4, 2, 3), draw(4, 2, 3, seed=3), draw(4, 2, 2, seed=4)
    turn = euler_to_matrix(draw(4, 1, 3, seed=5))  # one body a moment
    views = euler_to_matrix(angles) @ turn.transpose(-1, -2)
    other = torch.from_numpy(scipy.from_matrix(views.flatten(0, 1).numpy()).as_euler('xyz').copy())
    other = other.unflatten(0, (4, 2))

    def losses(poses, moved, angles):
        seen, swapped, after = (pose_in_view(part, angles, places)
                                for part in (poses, swap_views(poses), moved))
        return torch.stack([equivariance_loss(seen, after, shift),
                            equivariance_loss(swapped, after, shift)])

    torch.testing.assert_close(
        losses(rotate(canonical, turn), rotate(moved, turn), other),
        losses(canonical, moved, angles))


# ---------------------------------------------------------------------------------------
# Both


def test_gradients():
    first, second = (part.requires_grad_() for part in draw(2, 2, 2, 3, 2, 2).unbind(0))
    poses, moved = (part.requires_grad_() for part in draw(2, 2, 2, 3, 3).unbind(0))
    shift = draw(2, 2, 2, seed=3)
    for reduction in ('mean', 'sum', 'none'):
        assert torch.autograd.gradcheck(
            lambda x, y, how=reduction: view_reconstruction_loss(x, y, how), (first, second))
        assert torch.autograd.gradcheck(
            lambda x, y, how=reduction: equivariance_loss(x, y, shift, how), (poses, moved))


def test_unknown_reductions_are_refused():
    with pytest.raises(ValueError, match="got 'median'"):
        view_reconstruction_loss(draw(2, 2, 3, 4, 4), draw(2, 2, 3, 4, 4), 'median')
    with pytest.raises(ValueError, match="got 'median'"):
        equivariance_loss(draw(2, 2, 5, 3), draw(2, 2, 5, 3), draw(2, 2, 2), 'median')


# ---------------------------------------------------------------------------------------
# Bias


@pytest.mark.parametrize('views', [2, 3])
def test_bias_against_loops(views):
    poses = draw(4, views, 5, 3)
    means = poses.numpy().mean(0)
    expected = np.zeros((views, 5, 3))
    for view in range(views):
        expected[view] = (means[view] - sum(means) / views)**2
    np.testing.assert_allclose(view_bias_loss(poses, 'none'), expected, atol=1e-15)
    assert view_bias_loss(poses).item() == pytest.approx(expected.mean())
    assert view_bias_loss(poses, 'sum').item() == pytest.approx(expected.sum())


def test_only_what_a_view_adds_to_all_poses_is_bias():
    poses = draw(4, 1, 5, 3).repeat(1, 2, 1, 1)
    noise = draw(4, 2, 5, 3, seed=2)
    assert view_bias_loss(poses).item() == 0
    assert view_bias_loss(poses + noise - noise.mean(0)).item() < 1e-30
    added = torch.tensor([1., -1.], dtype=torch.float64)[:, None, None]
    assert view_bias_loss(poses + .3 * added).item() == pytest.approx(.3**2)
    assert torch.autograd.gradcheck(view_bias_loss, (poses + noise).requires_grad_())
