import math

import pytest
import torch

from mmviewpose.geometry import (axis_angle_to_matrix, project, raise_points, rotate, see,
                                 turn_view, turn_view_back)

X, Y = torch.eye(3, dtype=torch.float64)[:2]


def numbers(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def about(axis, angle):
    return axis_angle_to_matrix(axis.expand(*angle.shape, 3), angle)


def angles(batch=6):
    return numbers(3, batch, seed=1)


def test_turns_are_the_matrices():
    poses, (azimuth, elevation, pitch) = numbers(6, 5, 3), angles()
    level = about(X, elevation) @ about(Y, azimuth)
    torch.testing.assert_close(turn_view(poses, azimuth, elevation), rotate(poses, level))
    pitched = about(X, pitch + elevation) @ about(Y, azimuth) @ about(X, -pitch)
    torch.testing.assert_close(turn_view(poses, azimuth, elevation, pitch), rotate(poses, pitched))
    torch.testing.assert_close(turn_view(poses, azimuth, 0.2, 0.1), turn_view(
        poses, azimuth, torch.full_like(azimuth, 0.2), torch.full_like(azimuth, 0.1)))


def test_the_vertical_of_a_camera_that_looks_down_stays():
    azimuth, _, pitch = angles()
    vertical = torch.stack([torch.zeros_like(pitch), pitch.cos(), pitch.sin()], -1)[:, None]
    torch.testing.assert_close(turn_view(vertical, azimuth, 0., pitch), vertical)


def test_back_again():
    poses = numbers(6, 5, 3)
    for options in (angles()[:1], angles()[:2], angles()):
        torch.testing.assert_close(turn_view_back(turn_view(poses, *options), *options), poses)


def test_a_quarter_turn_of_a_level_camera():
    poses = numbers(4, 5, 3)
    x, y, z = poses.unbind(-1)
    for quarters, expected in ((1, (z, y, -x)), (-1, (-z, y, x)), (2, (-x, y, -z))):
        turned = turn_view(poses, torch.full((4, ), quarters * math.pi / 2, dtype=torch.float64))
        torch.testing.assert_close(turned, torch.stack(expected, -1))


def test_leading_axes():
    poses, (azimuth, elevation, pitch) = numbers(2, 3, 5, 3), angles(6).view(3, 2, 3)
    flat = turn_view(poses.flatten(0, 1), *(a.flatten() for a in (azimuth, elevation, pitch)))
    torch.testing.assert_close(turn_view(poses, azimuth, elevation, pitch),
                               flat.view_as(poses))


def test_a_perspective_camera_is_the_pinhole_one():
    """Its camera stands at z = distance and looks along -z; the image is at the root's scale."""
    poses, distance = 0.5 * numbers(6, 5, 3), torch.linspace(3, 9, 6, dtype=torch.float64)
    in_camera = poses * torch.tensor([1., -1., -1.])  # x right, y down, z forward
    in_camera[..., 2] += distance[:, None]
    focal = distance[:, None].expand(-1, 2)
    expected = project(in_camera, focal, torch.zeros_like(focal)) * torch.tensor([1., -1.])
    torch.testing.assert_close(see(poses, distance), expected)
    torch.testing.assert_close(see(poses), poses[..., :2])
    far = torch.full((6, ), 1e9, dtype=torch.float64)
    torch.testing.assert_close(see(poses, far), poses[..., :2], atol=1e-7, rtol=0)


@pytest.mark.parametrize('perspective', [False, True])
def test_seen_and_raised(perspective):
    poses = numbers(6, 5, 3)
    distance = torch.linspace(5, 9, 6, dtype=torch.float64) if perspective else None
    torch.testing.assert_close(raise_points(see(poses, distance), poses[..., 2], distance), poses)
    points, depths = numbers(6, 5, 2, seed=2), 20 * numbers(6, 5, seed=3)  # some behind the camera
    raised = raise_points(points, depths, distance)
    torch.testing.assert_close(see(raised, distance), points)
    torch.testing.assert_close(raised[..., 2], depths)


def test_nothing_comes_nearer_than_a_tenth():
    distance = torch.tensor([2.], dtype=torch.float64)
    depths = torch.tensor([1.79, 1.8, 1.9, 2., 50.], dtype=torch.float64)
    poses = torch.stack([torch.ones(5), torch.ones(5), depths], -1)[None].requires_grad_()
    seen = see(poses, distance)
    expected = torch.tensor([2 / 0.21, 10, 10, 10, 10], dtype=torch.float64)
    torch.testing.assert_close(seen[0, :, 0], expected)
    gradient, = torch.autograd.grad(seen.sum(), poses)
    assert gradient.isfinite().all() and not gradient[0, 2:, 2].any()


@pytest.mark.parametrize('perspective', [False, True])
def test_gradients(perspective):
    poses, distance = numbers(2, 3, 3).requires_grad_(), torch.tensor([6., 7.]).double()
    azimuth, elevation, pitch = (a.clone().requires_grad_() for a in angles(2))
    options = [distance.requires_grad_()] if perspective else []

    def there_and_back(poses, azimuth, elevation, pitch, *distance):
        seen = see(turn_view(poses, azimuth, elevation, pitch), *distance)
        return turn_view_back(raise_points(seen, poses[..., 2], *distance), azimuth, elevation,
                              pitch)

    assert torch.autograd.gradcheck(there_and_back, (poses, azimuth, elevation, pitch, *options))
