"""The angle between cameras, from predicted poses and from key points alone."""
import numpy as np
import pytest
import torch

from mmviewpose.datasets.synthetic import synthetic_clips
from mmviewpose.datasets.synthetic.cameras import synthetic_cameras
from mmviewpose.datasets.transforms.views import about_vertical
from mmviewpose.functional.view_angle import (view_angle, view_angle_from_keypoints,
                                              view_angle_problem)
from mmviewpose.geometry.camera import project, world_to_camera
from mmviewpose.skeletons import get_skeleton, remap

SKELETON = get_skeleton('h36m17')


def in_cameras(degrees, frames=90, seed=2):
    """(2, T, 17, 3) mm: one performance in the axes of two cameras this many degrees apart."""
    clip = synthetic_clips(1, frames, seed=seed, actions=['free'])[0]
    poses = torch.as_tensor(remap(clip.positions, clip.layout, 'h36m17')).double()
    poses = poses - poses[:, :1].mean(0) * torch.tensor([1., 0., 1.])
    cameras = synthetic_cameras()
    turn = about_vertical(torch.tensor([0., degrees]).double().deg2rad())
    rotations = turn @ torch.as_tensor(cameras.rotations[0])
    centres = turn @ torch.as_tensor(cameras.centres[0])
    return torch.stack([world_to_camera(poses, *camera) for camera in zip(rotations, centres)])


@pytest.mark.parametrize('degrees', [0., 35., -90., 150., 180.])
def test_true_poses_give_the_true_angle(degrees):
    a, b = in_cameras(degrees)
    forward = torch.as_tensor(synthetic_cameras().rotations[0][:, 2])
    turned = about_vertical(torch.tensor(degrees).double().deg2rad()) @ forward
    viewing = torch.rad2deg((forward @ turned).clamp(-1, 1).acos())     # both look down a little
    found = view_angle(a, b)
    assert found.viewing.item() == pytest.approx(viewing.item(), abs=1e-3)
    assert abs(found.vertical.item()) == pytest.approx(abs(degrees), abs=1.)
    assert found.rotation.item() == pytest.approx(abs(degrees), abs=1e-3)


def test_which_side_the_other_camera_looks_to():
    right, left = (view_angle(*in_cameras(degrees)).vertical.item() for degrees in (60., -60.))
    assert right == pytest.approx(-left, abs=1e-3) and abs(right) > 50
    # b looks to the right of a where its viewing direction has positive x in a's axes.
    a, b = ((poses - poses.mean(1, keepdim=True)).flatten(0, 1) for poses in in_cameras(60.))
    direction = torch.linalg.lstsq(b, a).solution[2]
    assert torch.sign(direction[0]) == np.sign(right)


def test_places_sizes_and_noise_of_predictions_do_not_matter():
    a, b = in_cameras(90.)
    noise = 30. * torch.randn(b.shape, generator=torch.Generator().manual_seed(0))
    moved = 1.7 * b + torch.tensor([300., -20., 900.]) + noise
    assert view_angle(a, moved).viewing.item() == pytest.approx(
        view_angle(a, b).viewing.item(), abs=1.)


def test_joints_that_were_not_seen_do_not_count():
    a, b = in_cameras(70.)
    seen = torch.ones(b.shape[:-1], dtype=torch.bool)
    seen[10:30, 3:9] = False
    spoilt = b.clone()
    spoilt[~seen] = float('nan')
    assert view_angle(a, spoilt, seen).viewing.item() == pytest.approx(
        view_angle(a, b, seen).viewing.item(), abs=1e-6)


def test_a_batch_and_shapes_that_do_not_fit():
    pairs = [in_cameras(degrees) for degrees in (40., 120.)]
    a, b = (torch.stack([pair[number] for pair in pairs]) for number in (0, 1))
    np.testing.assert_allclose(view_angle(a, b).rotation, [40., 120.], atol=1e-3)
    for wrong in (b[:, :50], b[..., :2]):
        with pytest.raises(ValueError, match='must both be'):
            view_angle(a, wrong)


def seen_by(degrees, seed, noise=2.):
    rng = np.random.default_rng(seed)
    points = project(in_cameras(degrees, 150, seed), torch.tensor([1145., 1145.]).double(),
                     torch.tensor([500., 500.]).double()).numpy()
    return points + noise * rng.normal(size=points.shape), rng.random(points.shape[:-1]) > .05


def test_roughly_from_key_points():
    errors = []
    for seed, degrees in enumerate((50., 70., 90., 110., 130., 90.)):
        points, scores = seen_by(degrees, seed)
        points = points * scores[..., None]
        found = view_angle_from_keypoints(points[0], scores[0], 1.5 * points[1], scores[1], 30.,
                                          SKELETON)
        errors.append(abs(found - degrees))
    assert np.median(errors) < 10. and max(errors) < 30.


def test_cameras_on_one_line_are_told_from_key_points():
    for degrees in (5., 175.):
        points, scores = seen_by(degrees, 1)
        found = view_angle_from_keypoints(points[0], scores[0] + 0., points[1], scores[1] + 0.,
                                          30., SKELETON)
        assert view_angle_problem(found, 10.)


def test_nothing_seen_in_both():
    points, scores = seen_by(90., 0)
    assert np.isnan(view_angle_from_keypoints(points[0], scores[0], points[1], 0. * scores[1],
                                              30., SKELETON))


@pytest.mark.parametrize('degrees, slack, problem', [
    (90., 10., ''), (25., 0., ''), (25., 10., 'same way'), (5., 0., 'same way'), (145., 0., ''),
    (145., 10., 'at each other'), (180., 0., 'at each other')])
def test_problem(degrees, slack, problem):
    found = view_angle_problem(degrees, slack)
    assert problem in found and bool(problem) == bool(found)
