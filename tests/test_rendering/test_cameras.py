import pytest
import torch

from mmviewpose.geometry import project, world_to_camera
from mmviewpose.rendering import look_at


def numbers(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_target_is_in_the_middle_and_up_is_up():
    centre, target = 3000 * numbers(20, 3), 1000 * numbers(20, 3, seed=1)
    cameras = look_at(centre, target, 150., 128)
    eye = torch.eye(3, dtype=torch.float64).expand(20, 3, 3)
    torch.testing.assert_close(cameras.rotation.transpose(1, 2) @ cameras.rotation, eye)
    assert (torch.linalg.det(cameras.rotation) > 0).all()
    points = torch.stack([target, target + torch.tensor([0., 10., 0.])], 1)
    seen = world_to_camera(points, cameras.rotation, cameras.centre)
    assert (seen[..., 2] > 0).all()
    image = project(seen, cameras.focal[:, None].expand(-1, 2), cameras.principal)
    torch.testing.assert_close(image[:, 0], torch.full((20, 2), 64., dtype=torch.float64))
    torch.testing.assert_close(image[:, 1, 0], image[:, 0, 0])
    assert (image[:, 1, 1] < 64).all()


def test_straight_down():
    cameras = look_at(torch.tensor([[0., 5000., 0.], [0., -5000., 0.]]), torch.zeros(3), 150., 128)
    top = torch.tensor([[[0., 0., 10.]]]).expand(2, 1, 3)
    seen = world_to_camera(top, cameras.rotation, cameras.centre)
    assert (seen[:, 0, 1] < -9).all()  # y points down


def test_one_focal_length_each():
    cameras = look_at(torch.ones(2, 3), torch.zeros(2, 3), torch.tensor([100., 200.]), 64)
    assert cameras.focal.tolist() == [100, 200] and cameras.principal.tolist() == [[32, 32]] * 2
    assert cameras.rotation.dtype == torch.float32


@pytest.mark.parametrize('centre, target, focal, message', [
    (torch.zeros(2, 3), torch.zeros(2, 3), 100., 'stands on its target'),
    (torch.ones(2, 3), torch.zeros(4, 3), 100., 'target'),
    (torch.ones(3), torch.zeros(3), 100., 'centre'),
    (torch.ones(2, 3), torch.zeros(3), torch.ones(3), 'focal'),
])
def test_wrong_arguments(centre, target, focal, message):
    with pytest.raises(ValueError, match=message):
        look_at(centre, target, focal, 64)
