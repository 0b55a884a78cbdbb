import math

import pytest
import torch

from mmviewpose.geometry import (axis_angle_to_matrix, euler_to_matrix, quaternion_to_matrix,
                                 random_rotations, rotate)


def generator():
    return torch.Generator().manual_seed(3)


def test_a_quarter_turn_about_z_takes_x_to_y():
    turn = axis_angle_to_matrix(torch.tensor([0., 0., 1.]), torch.tensor(math.pi / 2))
    torch.testing.assert_close(rotate(torch.eye(3), turn),
                               torch.tensor([[0., 1., 0.], [-1., 0., 0.], [0., 0., 1.]]))


def test_rotate_is_r_x_for_every_column_vector():
    positions = torch.randn(2, 5, 7, 3, generator=generator(), dtype=torch.float64)
    rotations = random_rotations(2, generator=generator(), dtype=torch.float64)
    rotated = rotate(positions, rotations[:, None])
    for b in range(2):
        for t in range(5):
            for k in range(7):
                torch.testing.assert_close(rotated[b, t, k], rotations[b] @ positions[b, t, k])


def test_quaternions_are_w_first_and_need_no_unit_length():
    torch.testing.assert_close(quaternion_to_matrix(torch.tensor([2., 0., 0., 0.])), torch.eye(3))
    half = quaternion_to_matrix(torch.tensor([0., 0., 5., 0.]))  # half a turn about y
    torch.testing.assert_close(half, torch.diag(torch.tensor([-1., 1., -1.])))


def test_conversions_agree_with_scipy():
    scipy = pytest.importorskip('scipy.spatial.transform').Rotation
    quaternions = torch.randn(20, 4, generator=generator(), dtype=torch.float64)
    expected = scipy.from_quat(quaternions.roll(-1, dims=-1).numpy()).as_matrix()
    torch.testing.assert_close(quaternion_to_matrix(quaternions), torch.from_numpy(expected))
    vectors = torch.randn(20, 3, generator=generator(), dtype=torch.float64)
    angles = vectors.norm(dim=-1)
    expected = scipy.from_rotvec(vectors.numpy()).as_matrix()
    torch.testing.assert_close(axis_angle_to_matrix(vectors / angles[:, None], angles),
                               torch.from_numpy(expected))


def test_euler_angles_are_about_x_first_and_about_z_last():
    scipy = pytest.importorskip('scipy.spatial.transform').Rotation
    angles = 6 * torch.randn(5, 4, 3, generator=generator(), dtype=torch.float64)
    found = euler_to_matrix(angles)
    assert found.shape == (5, 4, 3, 3)
    flat = angles.flatten(0, 1).numpy()
    fixed = scipy.from_euler('xyz', flat).as_matrix()  # lower case: about the world's axes
    carried = scipy.from_euler('ZYX', flat[:, ::-1]).as_matrix()  # upper case: the body's own
    for expected in (fixed, carried):
        torch.testing.assert_close(found.flatten(0, 1), torch.from_numpy(expected))


@pytest.mark.parametrize('axis', range(3))
def test_one_euler_angle_is_a_turn_about_its_axis(axis):
    angle = torch.tensor([-4., -.3, 0., .8, 2.5], dtype=torch.float64)
    unit = torch.eye(3, dtype=torch.float64)[axis]
    torch.testing.assert_close(euler_to_matrix(angle[:, None] * unit),
                               axis_angle_to_matrix(unit.expand(5, 3), angle))


def test_euler_angles_have_gradients_everywhere():
    angles = torch.randn(4, 3, generator=generator(), dtype=torch.float64)
    angles[0], angles[1, 1], angles[2] = 0., math.pi / 2, 7 * angles[2]  # also at gimbal lock
    assert torch.autograd.gradcheck(euler_to_matrix, angles.requires_grad_())


@pytest.mark.parametrize('mode,tilt', [('so3', 0.), ('yaw', 0.), ('yaw', 20.)])
def test_random_rotations_are_proper(mode, tilt):
    rotations = random_rotations(100, mode, tilt, generator=generator(), dtype=torch.float64)
    identity = torch.eye(3, dtype=torch.float64).expand(100, 3, 3)
    torch.testing.assert_close(rotations @ rotations.transpose(1, 2), identity)
    torch.testing.assert_close(torch.linalg.det(rotations), torch.ones(100, dtype=torch.float64))


def test_so3_is_uniform():
    rotations = random_rotations(40000, generator=generator(), dtype=torch.float64)
    # Haar measure: every entry has mean 0 and variance 1/3, entries are uncorrelated, and each
    # column is uniform on the sphere, so that each entry is uniform in [-1, 1] (Archimedes).
    entries = rotations.flatten(1)
    assert entries.mean(0).abs().max() < 0.02
    assert (entries.T.cov() - torch.eye(9, dtype=torch.float64) / 3).abs().max() < 0.015
    quantiles = torch.linspace(0.1, 0.9, 9, dtype=torch.float64)
    drawn = torch.quantile(entries, quantiles, dim=0)
    assert (drawn - (2 * quantiles - 1)[:, None]).abs().max() < 0.025
    # The angle of rotation has density (1 - cos a) / pi.
    angles = ((rotations.diagonal(dim1=1, dim2=2).sum(-1) - 1) / 2).clamp(-1, 1).acos()
    for angle in (0.5, 1., 2., 2.8):
        expected = (angle - math.sin(angle)) / math.pi
        assert abs((angles < angle).double().mean().item() - expected) < 0.01


@pytest.mark.parametrize('up', ['+x', '+y', '-y', '+z'])
def test_yaw_leaves_the_vertical_alone_and_is_uniform(up):
    axis = 'xyz'.index(up[1])
    rotations = random_rotations(20000, 'yaw', up=up, generator=generator(), dtype=torch.float64)
    vertical = torch.eye(3, dtype=torch.float64)[axis].expand(20000, 3)
    torch.testing.assert_close(rotations[:, :, axis], vertical)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    angles = torch.atan2(rotations[:, second, first], rotations[:, first, first])
    quantiles = torch.linspace(0.1, 0.9, 9, dtype=torch.float64)
    assert (torch.quantile(angles, quantiles) - (2 * quantiles - 1) * math.pi).abs().max() < 0.1


def test_tilt_is_uniform_up_to_its_bound():
    rotations = random_rotations(20000, 'yaw', 30., up='+z', generator=generator(),
                                 dtype=torch.float64)
    lean = torch.rad2deg(rotations[:, 2, 2].clamp(-1, 1).acos())
    assert lean.max() <= 30.001
    quantiles = torch.linspace(0.1, 0.9, 9, dtype=torch.float64)
    assert (torch.quantile(lean, quantiles) - 30 * quantiles).abs().max() < 0.6
    heading = torch.atan2(rotations[:, 1, 2], rotations[:, 0, 2])
    assert (torch.quantile(heading, quantiles) - (2 * quantiles - 1) * math.pi).abs().max() < 0.1


def test_a_generator_decides_the_draw_and_dtype_is_kept():
    first = random_rotations(4, 'yaw', 10., generator=generator(), dtype=torch.float32)
    second = random_rotations(4, 'yaw', 10., generator=generator(), dtype=torch.float32)
    assert first.dtype == torch.float32 and torch.equal(first, second)
    assert random_rotations(0).shape == (0, 3, 3)


@pytest.mark.parametrize('options', [dict(mode='so2'), dict(mode='yaw', up='y'),
                                     dict(mode='so3', tilt_degrees=5.)])
def test_unknown_options_are_refused(options):
    with pytest.raises(ValueError):
        random_rotations(2, **options)
