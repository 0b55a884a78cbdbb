import pytest
import torch

from mmviewpose.geometry import euler_to_matrix, pose_in_view, random_rotations


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_against_scipy():
    scipy = pytest.importorskip('scipy.spatial.transform').Rotation
    poses, angles, places = draw(2, 3, 5, 3), 4 * draw(2, 3, 3, seed=1), draw(2, 3, 3, seed=2)
    found = pose_in_view(poses, angles, places)
    assert found.shape == (2, 3, 5, 3)
    for b in range(2):
        for v in range(3):
            turn = scipy.from_euler('xyz', angles[b, v].numpy())
            expected = turn.apply(poses[b, v].numpy()) + places[b, v].numpy()
            torch.testing.assert_close(found[b, v], torch.from_numpy(expected))


def test_it_can_be_undone():
    poses, angles, places = draw(4, 70, 3), 4 * draw(4, 3, seed=1), draw(4, 3, seed=2)
    seen = pose_in_view(poses, angles, places)
    back = (seen - places[:, None]) @ euler_to_matrix(angles)  # rows: R transposed from the left
    torch.testing.assert_close(back, poses)


def test_a_person_who_turns_with_the_view_looks_the_same():
    scipy = pytest.importorskip('scipy.spatial.transform').Rotation
    poses, angles, places = draw(6, 9, 3), draw(6, 3, seed=1), draw(6, 3, seed=2)
    turn = random_rotations(6, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    turned = poses @ turn.transpose(1, 2)  # Q P
    view = euler_to_matrix(angles) @ turn.transpose(1, 2)  # R Q^T
    other = torch.from_numpy(scipy.from_matrix(view.numpy()).as_euler('xyz').copy())
    torch.testing.assert_close(pose_in_view(turned, other, places),
                               pose_in_view(poses, angles, places))
    assert not torch.allclose(pose_in_view(turned, angles, places),
                              pose_in_view(poses, angles, places), atol=.1)


def test_distances_within_a_pose_stay():
    poses, angles, places = draw(3, 8, 3), 9 * draw(3, 3, seed=1), 50 * draw(3, 3, seed=2)
    torch.testing.assert_close(torch.cdist(*2 * [pose_in_view(poses, angles, places)]),
                               torch.cdist(poses, poses), atol=1e-9, rtol=1e-9)


def test_gradients():
    inputs = (draw(2, 4, 3), draw(2, 3, seed=1), draw(2, 3, seed=2))
    assert torch.autograd.gradcheck(pose_in_view, [part.requires_grad_() for part in inputs])
