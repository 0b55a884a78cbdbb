import math

import pytest
import torch

from mmviewpose.datasets import SyntheticViewDataset
from mmviewpose.datasets.formats.cameras import CameraPoses
from mmviewpose.datasets.planar import planar, planar_length
from mmviewpose.datasets.synthetic.cameras import synthetic_cameras
from mmviewpose.datasets.transforms import DetectionNoise, FlipViews, PackViews, ProjectViews
from mmviewpose.datasets.transforms.views import about_vertical, joint_noise_level, smooth_noise
from mmviewpose.errors import DatasetError
from mmviewpose.functional.pose_errors import mpjpe
from mmviewpose.geometry import align
from mmviewpose.geometry.camera import project
from mmviewpose.skeletons import get_skeleton

FLIP = list(get_skeleton('h36m17').flip_index)


@pytest.fixture(scope='module')
def people():
    """Windows of 15 frames; function of the number of views."""
    made = {}

    def batch(num_views=2, windows=24):
        if num_views not in made:
            made[num_views] = SyntheticViewDataset(num_clips=24, synthetic_frames=15,
                                                   num_frames=15, num_views=num_views)
        torch.manual_seed(0)
        return made[num_views].__getitems__(range(windows * num_views))

    return batch


def aligned_error(a, b):
    """Largest distance left between clips of ``(V, T, K, 3)`` after one similarity a clip, mm."""
    moved = align(a.flatten(1, 2), b.flatten(1, 2))
    return (moved - b.flatten(1, 2)).norm(dim=-1).amax(-1)


def angle_between(a, b):
    """Angle of the rotation between two views, degrees, ``(N,)``."""
    x, y = a - a[:, :, :1], b - b[:, :, :1]
    covariance = torch.einsum('ntki,ntkj->nij', x, y).double()
    u, _, vt = torch.linalg.svd(covariance)
    sign = torch.ones(len(u), 3).double()
    sign[:, 2] = torch.det(u @ vt)
    rotation = (u * sign[:, None]) @ vt
    trace = rotation.diagonal(dim1=-2, dim2=-1).sum(-1)
    return ((trace - 1) / 2).clamp(-1, 1).acos().rad2deg()


def test_views_are_of_one_performance(people):
    before = people(3)
    truth = before['keypoints'].clone()
    batch = ProjectViews(size=(.9, 1.1))(before)
    seen = batch['keypoints'].unflatten(0, (-1, 3))
    for other in (1, 2):
        assert aligned_error(seen[:, 0], seen[:, other]).max() < 1.
    # and of the performance that was recorded
    assert aligned_error(truth[::3], seen[:, 0]).max() < 1.
    length = truth.norm(dim=-1).amax()
    assert length > 0 and not torch.allclose(truth, batch['keypoints'])


def test_points_are_the_projected_poses(people):
    batch = ProjectViews(angles=(0, 90), image_size=(900, 700), focal=1000.)(people())
    assert batch['intrinsics'].unique(dim=0).tolist() == [[1000., 1000., 450., 350.]]
    assert batch['image_size'].unique(dim=0).tolist() == [[900., 700.]]
    focal, principal = batch['intrinsics'].split(2, -1)
    expected = project(batch['keypoints'], focal[:, None], principal[:, None])
    torch.testing.assert_close(batch['keypoints_2d'], expected)
    assert (batch['keypoints'][..., 2] > 1000).all()
    upright = batch['keypoints'][..., 0, 1] - batch['keypoints'][..., 10, 1]
    assert (upright[:2 * 6] > 200).all(), 'the head is above the pelvis in the image (y down)'


@pytest.mark.parametrize('angles', [(0, 90), (0, 180), (0, 45)])
def test_the_angle_between_the_views(people, angles):
    batch = ProjectViews(angles=angles)(people())
    first, second = batch['keypoints'].unflatten(0, (-1, 2)).unbind(1)
    assert (angle_between(first, second) - angles[1]).abs().max() < .1


def test_cameras_of_one_recording(people):
    batch = ProjectViews(heading=False, area=0.)(people(4))
    views = batch['keypoints'].unflatten(0, (-1, 4))
    assert angle_between(views[:, 0], views[:, 2]).min() > 150  # opposite cameras
    with pytest.raises(DatasetError, match='no recording has 5 cameras'):
        ProjectViews()(people(5, 2))
    with pytest.raises(DatasetError, match='5 views but 2 angles'):
        ProjectViews(angles=(0, 90))(people(5, 2))


def test_headings_and_places_differ_from_window_to_window(people):
    batch = ProjectViews(angles=(0, 90), heading=True)(people())
    still = ProjectViews(angles=(0, 90), heading=False, area=0.)(people())
    spread = batch['keypoints'][::2, 0, 0].std(0), still['keypoints'][::2, 0, 0].std(0)
    assert spread[0][0] > spread[1][0]
    root = batch['keypoints'][:, :, 0]
    assert (root[..., 2] > 2500).all() and (root[..., 2] < 6500).all()


def test_a_long_path_is_shortened_and_the_body_is_not(people):
    batch = people()
    run = torch.linspace(-9000, 9000, 15)[:, None]
    far = batch['keypoints'] + torch.stack([run, 0 * run, -run], -1)
    relative = far - far[:, :, :1]
    batch['keypoints'] = far
    seen = ProjectViews(reach=1500., area=0.)(batch)['keypoints']
    moved = seen - seen[:, :, :1]
    for frame in (0, 7, 14):
        assert aligned_error(relative[:, frame:frame + 1], moved[:, frame:frame + 1]).max() < 1.
    span = (seen[:, 0, 0] - seen[:, -1, 0]).norm(dim=-1)
    assert (span < 3100).all()
    with pytest.raises(DatasetError, match='behind its camera.*reach'):
        batch['keypoints'] = far
        ProjectViews(reach=1e5)(batch)


def test_cameras_that_move(people):
    still = ProjectViews(angles=(0, 90), heading=False, area=0.)(people())['keypoints']
    batch = ProjectViews(angles=(0, 90), heading=False, area=0., moving=True)(people())
    moved = batch['keypoints']
    # each frame is the same body, but no one transform fits a whole window
    assert aligned_error(moved.flatten(0, 1)[:, None], still.flatten(0, 1)[:, None]).max() < 1.
    views = moved.unflatten(0, (-1, 2))
    assert aligned_error(views[:, 0], views[:, 1]).mean() > 5.
    step = (moved[:, 1:, 0] - moved[:, :-1, 0]).norm(dim=-1)
    assert step.max() < 150, 'smoothly'
    focal, principal = batch['intrinsics'].split(2, -1)
    torch.testing.assert_close(batch['keypoints_2d'], project(moved, focal[:, None],
                                                              principal[:, None]))


def test_other_cameras(people, tmp_path):
    cameras = synthetic_cameras()
    path = str(tmp_path / 'cameras.npz')
    CameraPoses(cameras.rotations[:2], cameras.centres[:2], cameras.subjects[:2] + 5,
                cameras.serials[:2]).save(path)
    assert ProjectViews(path, subjects=[5])(people())['keypoints_2d'].isfinite().all()
    with pytest.raises(DatasetError, match='cameras.npz: no cameras of subjects'):
        ProjectViews(path, subjects=[6])
    with pytest.raises(DatasetError, match='absent.npz.*h36m_cameras.py'):
        ProjectViews.check_files(dict(cameras=str(tmp_path / 'absent.npz')))
    ProjectViews.check_files(dict(angles=(0, 90)))


def test_turns_about_the_vertical():
    turn = about_vertical(torch.tensor([math.pi / 2]))[0]
    torch.testing.assert_close(turn @ torch.tensor([0., 2., 1.]), torch.tensor([1., 2., 0.]))
    assert abs(float(torch.det(turn)) - 1) < 1e-6


# Noise


def noisy(people, windows=24, **options):
    clean = ProjectViews(angles=(0, 90), area=0.)(people(windows=windows))
    points = clean['keypoints_2d'].clone()
    torch.manual_seed(1)
    batch = DetectionNoise(**options)(clean)
    return batch, planar_length(batch['keypoints_2d'] - points)


def test_nothing_asked_for_is_nothing_done(people):
    batch, error = noisy(people, noise=0., drift=0., drop=0.)
    assert error.max() < 1e-3 and (batch['scores'] > .79).all()
    assert batch['frame_mask'].all()


def test_the_size_of_the_noise(people):
    batch, error = noisy(people, noise=5., drift=0., drop=0.)
    per_joint = error.square().mean((0, 1)).div(2).sqrt()
    torch.testing.assert_close(per_joint, 5 * joint_noise_level('h36m17'), rtol=.12, atol=0.)
    assert joint_noise_level('h36m17').mean() == pytest.approx(1.)
    wrist, hip = (get_skeleton('h36m17').index(j) for j in ('left_wrist', 'left_hip'))
    assert per_joint[wrist] > 1.5 * per_joint[hip]


def test_drift_is_slow_and_white_noise_is_not(people):
    def correlation(**options):
        clean = ProjectViews(angles=(0, 90), area=0.)(people())['keypoints_2d']
        batch, _ = noisy(people, drop=0., **options)
        x = (batch['keypoints_2d'] - clean)[..., 0]
        return float((x[:, 1:] * x[:, :-1]).mean() / x.square().mean())

    assert correlation(noise=5., drift=0.) < .1
    assert correlation(noise=0., drift=5., drift_frames=8.) > .9
    _, error = noisy(people, noise=0., drift=5., drop=0.)
    assert error.square().mean().div(2).sqrt() == pytest.approx(5.5, rel=.2)
    torch.manual_seed(0)
    noise = torch.bmm(*smooth_noise(400, 15, 17, 8.))
    torch.testing.assert_close(noise.std((0, 2)), torch.ones(15), rtol=.05, atol=0.)


def test_joints_that_are_lost(people):
    batch, error = noisy(people, noise=1., drift=1., drop=.1, missing=.5, far=80.)
    lost = batch['scores'] < .1
    assert lost.float().mean() == pytest.approx(.1, abs=.03)
    gone = batch['scores'] == 0
    assert .2 < float(gone.sum() / lost.sum()) < .8
    assert (batch['keypoints_2d'][gone] == 0).all()
    assert error[lost & ~gone].mean() > 50 and error[~lost].mean() < 5
    # for some frames at a time: twice as likely where the frame before was lost, at least
    again = (lost[:, 1:] & lost[:, :-1]).sum() / lost[:, :-1].sum()
    assert again > .5
    assert not (noisy(people, drop=.1, missing=0.)[0]['scores'] == 0).any()


def test_scores_tell_of_errors(people):
    batch, error = noisy(people, noise=6., drift=6., drop=.03)
    scores = batch['scores']
    seen = scores > 0
    pairs = torch.stack([scores[seen], error[seen].clamp_max(60)])
    assert torch.corrcoef(pairs)[0, 1] < -.7
    assert (scores >= 0).all() and (scores <= 1).all()


def test_outside_the_picture_nothing_is_found(people):
    clean = ProjectViews(angles=(0, 90), area=0., image_size=(240, 240))(people())
    batch = DetectionNoise(drop=0.)(clean)
    seen = batch['scores'] > 0
    assert 0 < seen.float().mean() < .9
    inside = (batch['keypoints_2d'] >= 0).all() and (batch['keypoints_2d'] <= 240).all()
    assert inside and (batch['keypoints_2d'][~seen] == 0).all()
    assert torch.equal(batch['frame_mask'], seen.any(-1))


# Mirror


def test_a_mirrored_window_is_a_true_window_of_a_mirrored_person(people):
    batch = ProjectViews(angles=(0, 90), image_size=(900, 700))(people())
    batch['intrinsics'][:, 2] += 20  # a principal point off the middle
    batch['keypoints_2d'] = planar(batch['keypoints_2d'] + torch.tensor([20., 0.]))
    batch['scores'][0, 0, FLIP.index(4)] = 0.
    batch['keypoints_2d'][0, 0, FLIP.index(4)] = 0.
    before = {key: value.clone() for key, value in batch.items()}
    batch = FlipViews(prob=1.)(batch)
    assert torch.equal(batch['keypoints'][..., 1:], before['keypoints'][..., FLIP, 1:])
    assert torch.equal(batch['keypoints'][..., 0], -before['keypoints'][..., FLIP, 0])
    assert torch.equal(batch['scores'], before['scores'][..., FLIP])
    assert (batch['keypoints_2d'][0, 0, 4] == 0).all(), 'not seen stays 0'
    focal, principal = batch['intrinsics'].split(2, -1)
    expected = project(batch['keypoints'], focal[:, None], principal[:, None])
    seen = batch['scores'] > 0
    torch.testing.assert_close(batch['keypoints_2d'][seen], expected[seen], atol=.01, rtol=1e-5)
    again = FlipViews(prob=1.)(batch)
    for key in ('keypoints', 'keypoints_2d', 'scores', 'intrinsics'):
        torch.testing.assert_close(again[key], before[key], atol=1e-3, rtol=1e-5)


def test_views_are_mirrored_together(people):
    batch = ProjectViews(angles=(0, 90, 45))(people(3))
    before = batch['keypoints'].clone()
    flipped = FlipViews(prob=.5)(batch)['keypoints']
    changed = (flipped != before).flatten(1).any(1).unflatten(0, (-1, 3))
    assert (changed.all(1) | ~changed.any(1)).all()
    assert 4 < changed[:, 0].sum() < 20
    views = flipped.unflatten(0, (-1, 3))
    assert aligned_error(views[:, 0], views[:, 1]).max() < 1.


# Packing


def test_packed(people):
    batch = ProjectViews()(people())
    batch['frame_mask'][3, 9:] = False
    packed = PackViews()(dict(batch))
    inputs, samples = packed['inputs'], packed['data_samples']
    assert inputs.shape == (48, 15, 17, 3) and inputs.is_contiguous()
    assert torch.equal(inputs[..., :2], batch['keypoints_2d'])
    assert (inputs[..., 2] == 1).all() and (samples['scores'][3, 9:] == 0).all()
    assert (samples['scores'][3, :9] == 1).all()
    assert (samples['target'][:, :, 0] == 0).all()
    torch.testing.assert_close(samples['target'] + samples['root'][:, :, None],
                               batch['keypoints'], atol=1e-3, rtol=0.)
    assert {'index', 'frame_mask', 'has_3d', 'intrinsics', 'image_size', 'clip', 'view', 'window',
            'start', 'action'} <= set(samples)
    assert mpjpe(samples['target'], samples['target']) == 0


def test_planar():
    points = torch.randn(4, 5, 17, 3)
    assert torch.equal(planar(points), points)
    assert planar(points)[..., 0].is_contiguous()
    torch.testing.assert_close(planar_length(points), points.norm(dim=-1))
