import math

import pytest
import torch

from mmviewpose.geometry import (axis_angle_to_matrix, camera_to_world, project,
                                 project_orthographic, random_rotations, world_to_camera)


@pytest.fixture
def cameras():
    """Two cameras of about Human3.6M's lenses, in mm and px."""
    generator = torch.Generator().manual_seed(0)
    options = dict(dtype=torch.float64, generator=generator)
    return dict(rotation=random_rotations(2, **options), centre=4000 * torch.randn(2, 3, **options),
                focal=torch.tensor([[1145., 1144.], [1149., 1148.]], dtype=torch.float64),
                principal=torch.tensor([[512.5, 515.5], [508.8, 508.1]], dtype=torch.float64),
                radial=torch.tensor([[-0.2, 0.24, -0.002], [-0.21, 0.25, 0.003]],
                                    dtype=torch.float64),
                tangential=torch.tensor([[-0.0009, -0.0016], [-0.001, 0.002]],
                                        dtype=torch.float64))


@pytest.fixture
def points(cameras):
    """(2, 5, 17, 3) in the world, in front of the cameras."""
    generator = torch.Generator().manual_seed(1)
    seen = torch.randn(2, 5, 17, 3, dtype=torch.float64, generator=generator) * 500
    seen[..., 2] += 5000
    return camera_to_world(seen, cameras['rotation'][:, None], cameras['centre'][:, None])


def test_rotation_is_camera_to_world_and_centre_a_place():
    # stands at (0, 0, 10), looks along the world's -x
    turn = axis_angle_to_matrix(torch.tensor([0., 1., 0.]), torch.tensor(-math.pi / 2))
    centre = torch.tensor([0., 0., 10.])
    torch.testing.assert_close(turn @ torch.tensor([0., 0., 1.]), torch.tensor([-1., 0., 0.]))
    seen = world_to_camera(torch.tensor([[-7., 0., 10.]]), turn, centre)
    torch.testing.assert_close(seen, torch.tensor([[0., 0., 7.]]))


def test_there_and_back(cameras, points):
    place = cameras['rotation'][:, None], cameras['centre'][:, None]
    torch.testing.assert_close(camera_to_world(world_to_camera(points, *place), *place), points)


def test_axis_goes_to_the_principal_point_and_x_goes_right(cameras):
    intrinsics = cameras['focal'][0], cameras['principal'][0]
    torch.testing.assert_close(project(torch.tensor([[0., 0., 3.]]).double(), *intrinsics),
                               cameras['principal'][:1])
    right = project(torch.tensor([[1., 0., 2.]]).double(), *intrinsics)
    torch.testing.assert_close(right[0, 0], cameras['principal'][0, 0] + cameras['focal'][0, 0] / 2)


@pytest.mark.parametrize('distorted', [False, True])
def test_agrees_with_mmpose(cameras, points, distorted):
    pytest.importorskip('mmengine')
    import mmviewpose.compat  # noqa: F401
    SimpleCamera = pytest.importorskip('mmpose.utils.camera').SimpleCamera
    lens = dict(radial=cameras['radial'][:, None],
                tangential=cameras['tangential'][:, None]) if distorted else {}
    seen = world_to_camera(points, cameras['rotation'][:, None], cameras['centre'][:, None])
    image = project(seen, cameras['focal'][:, None], cameras['principal'][:, None], **lens)
    for n in range(2):
        param = dict(R=cameras['rotation'][n].numpy(), T=cameras['centre'][n, :, None].numpy(),
                     f=cameras['focal'][n, :, None].numpy(),
                     c=cameras['principal'][n, :, None].numpy())
        if distorted:
            param.update(k=cameras['radial'][n].numpy(), p=cameras['tangential'][n].numpy())
        theirs = SimpleCamera(param)  # holds its parameters in single precision
        in_camera = torch.from_numpy(theirs.world_to_camera(points[n].numpy()))
        torch.testing.assert_close(seen[n], in_camera, rtol=0, atol=0.01)
        torch.testing.assert_close(
            image[n], torch.from_numpy(theirs.camera_to_pixel(in_camera.numpy())), rtol=0,
            atol=0.01)


def test_distortion_terms_by_hand(cameras):
    point = torch.tensor([[[0.3, -0.2, 1.]], [[0.1, 0.4, 1.]]], dtype=torch.float64)
    image = project(point, *(cameras[key] for key in ('focal', 'principal', 'radial',
                                                      'tangential')))
    for n in range(2):
        x, y, _ = point[n, 0].tolist()
        k, p = cameras['radial'][n].tolist(), cameras['tangential'][n].tolist()
        r2 = x * x + y * y
        radial = 1 + k[0] * r2 + k[1] * r2**2 + k[2] * r2**3
        # OpenCV's form
        expected = (x * radial + 2 * p[0] * x * y + p[1] * (r2 + 2 * x * x),
                    y * radial + p[0] * (r2 + 2 * y * y) + 2 * p[1] * x * y)
        for axis in range(2):
            assert image[n, 0, axis].item() == pytest.approx(
                expected[axis] * cameras['focal'][n, axis].item()
                + cameras['principal'][n, axis].item())
    only = project(point, cameras['focal'], cameras['principal'],
                   tangential=cameras['tangential'])
    none = project(point, cameras['focal'], cameras['principal'],
                   torch.zeros(2, 3, dtype=torch.float64), cameras['tangential'])
    torch.testing.assert_close(only, none)


def test_projection_can_be_differentiated(cameras):
    point = torch.tensor([[[0.3, -0.2, 2.]], [[0.1, 0.4, 3.]]], dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda x: project(x, *(cameras[key] for key in ('focal', 'principal', 'radial',
                                                        'tangential'))),
        point.requires_grad_())


def test_orthographic_drops_the_depth():
    points = torch.randn(2, 5, 3)
    assert torch.equal(project_orthographic(points), points[..., :2])
    scaled = project_orthographic(points, torch.tensor([2., 3.]))
    torch.testing.assert_close(scaled[1], 3 * points[1, :, :2])
