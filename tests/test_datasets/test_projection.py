import pickle
import runpy
import sys

import numpy as np
import pytest
import torch

from mmviewpose.datasets import PoseDataset
from mmviewpose.datasets.formats import SkeletonClip, to_y_up, write_archive
from mmviewpose.datasets.formats.cameras import CameraPoses, from_h36m, read_camera_poses
from mmviewpose.datasets.formats.h36m import H36mCamera
from mmviewpose.datasets.synthetic import synthetic_clips, synthetic_poses
from mmviewpose.datasets.synthetic.cameras import synthetic_cameras
from mmviewpose.datasets.transforms import PackLifting, ProjectPoses
from mmviewpose.errors import DatasetError


def h36m_cameras(seed=0):
    """Two people, two cameras each, as mmpose's pickle gives them: world +z up, metres."""
    rng = np.random.default_rng(seed)
    cameras = {}
    for subject in ('S1', 'S11'):
        for serial in ('54138969', '60457274'):
            centre = np.array([*rng.normal(size=2), 0])
            centre = centre / np.linalg.norm(centre) * 4 + [0, 0, 1.5]
            look = np.array([0, 0, .9]) - centre
            look /= np.linalg.norm(look)
            right = np.cross(look, [0, 0, 1])
            right /= np.linalg.norm(right)
            R = np.stack([right, np.cross(look, right), look], 1)
            cameras[subject, serial] = H36mCamera(R, centre, np.full(2, 1145.), np.full(2, 512.),
                                                  np.zeros(3), np.zeros(2), (1000, 1002))
    return cameras


@pytest.fixture
def file(tmp_path):
    path = tmp_path / 'cameras.npz'
    from_h36m(h36m_cameras()).save(path)
    return str(path)


@pytest.mark.parametrize('cameras', [synthetic_cameras(), from_h36m(h36m_cameras())])
def test_cameras_are_proper_upright_and_look_at_the_middle(cameras):
    R = cameras.rotations
    np.testing.assert_allclose(R @ R.transpose(0, 2, 1), np.tile(np.eye(3), (4, 1, 1)), atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(R), 1)
    assert (R[:, 1, 1] < -.9).all(), 'down in the world is down in the image'
    seen = np.einsum('nij,ni->nj', R, [0, 900, 0] - cameras.centres)
    np.testing.assert_allclose(seen[:, :2], 0, atol=1e-6)
    assert (seen[:, 2] > 3000).all()


def test_a_pose_seen_by_the_camera_that_recorded_it(file, tmp_path):
    """Human3.6M's own formula in its own axes gives the same picture."""
    clips, expected = [], []
    rng = np.random.default_rng(1)
    for (subject, serial), camera in sorted(h36m_cameras().items()):
        world = rng.normal(scale=300, size=(3, 17, 3)) + [200, 100, 900]
        name = f'{subject}_{serial}'
        clips.append(to_y_up(SkeletonClip(world, 'ape17', '+z', 50., name, dict(
            subject=int(subject[1:]), camera=serial, action='Walking'))))
        seen = (world - camera.T * 1000) @ camera.R  # x right, y down, z forward
        expected.append((seen - seen[:, :1]) * [1, -1, -1])
    write_archive(tmp_path / 'a.npz', clips)
    dataset = PoseDataset([dict(ann_file='a.npz')], str(tmp_path), centred=False, prepare=[
        dict(type='ProjectPoses', cameras=file, own_camera=True)])
    keypoints = dataset.arrays['keypoints']
    np.testing.assert_allclose(keypoints, np.concatenate(expected), atol=5e-3)
    assert dataset.arrays['camera'].tolist() == [54138969] * 3 + [60457274] * 3 + \
        [54138969] * 3 + [60457274] * 3


def test_the_picture_says_nothing_of_depth_and_size():
    poses = torch.from_numpy(synthetic_poses(64, 0))
    torch.manual_seed(0)
    batch = ProjectPoses(area=0., floor=0.)(dict(keypoints=poses))
    root_3d, root_2d = batch['keypoints'][:, 0], batch['keypoints_2d'][:, 0]
    assert root_3d.abs().max() == root_2d.abs().max() == 0
    # the picture's unit is about a millimetre
    size, true_size = (batch[key][..., :2].norm(dim=-1).mean()
                       for key in ('keypoints_2d', 'keypoints'))
    assert .85 < size / true_size < 1.15


def test_distances_survive_and_people_stay_upright(file):
    poses = torch.from_numpy(synthetic_poses(128, 1)) + 1e4
    for cameras in (None, file):
        batch = ProjectPoses(cameras)(dict(keypoints=poses.clone()))
        before = torch.cdist(poses - poses[:, :1], poses - poses[:, :1])
        after = torch.cdist(batch['keypoints'], batch['keypoints'])
        torch.testing.assert_close(after, before, rtol=1e-3, atol=2.)
        tall = poses[:, 3, 1] - poses[:, 0, 1] > 400
        assert (batch['keypoints'][tall][:, 3, 1] > 200).all()


def test_noise_and_chosen_people(file):
    poses = torch.from_numpy(synthetic_poses(256, 1))
    torch.manual_seed(0)
    clean = ProjectPoses(file, area=0.)(dict(keypoints=poses))['keypoints_2d']
    torch.manual_seed(0)
    noisy = ProjectPoses(file, area=0., noise=20.)(dict(keypoints=poses))['keypoints_2d']
    assert 18 < (noisy - clean).std() < 22
    assert ProjectPoses(file, subjects=[11]).keys[:, 0].tolist() == [11, 11]
    with pytest.raises(DatasetError, match='subjects'):
        ProjectPoses(file, subjects=[4])


def test_what_cannot_be_seen_is_refused(file, tmp_path):
    poses = torch.from_numpy(synthetic_poses(2, 1))
    own = ProjectPoses(file, own_camera=True)
    batch = dict(keypoints=poses, subject=torch.tensor([1, 4]), camera=torch.tensor([54138969] * 2))
    with pytest.raises(DatasetError, match='no camera 54138969 of subject 4'):
        own(dict(batch))
    far = dict(keypoints=poses + 9e3, subject=torch.tensor([1, 1]), camera=batch['camera'])
    with pytest.raises(DatasetError, match='behind'):
        own({**far, 'keypoints': torch.cat([poses[:1] + 9e3, poses[:1] - 9e3])})
    with pytest.raises(DatasetError, match='absent.npz.*h36m_cameras.py'):
        ProjectPoses.check_files(dict(cameras=str(tmp_path / 'absent.npz')))
    sources = [dict(ann_file='a.npz')]
    write_archive(tmp_path / 'a.npz', [SkeletonClip(poses.numpy(), 'ape17', '+y', 0., 'a')])
    with pytest.raises(DatasetError, match='absent.npz'):
        PoseDataset.check_files(dict(sources=sources, data_root=str(tmp_path), pipeline=[
            dict(type='ProjectPoses', cameras=str(tmp_path / 'absent.npz'))]))


def test_broken_camera_files_are_refused(tmp_path):
    path = tmp_path / 'c.npz'
    good = synthetic_cameras()
    for cameras in (CameraPoses(good.rotations[:2], good.centres, good.subjects, good.serials),
                    CameraPoses(good.rotations * np.nan, good.centres, good.subjects,
                                good.serials)):
        cameras.save(path)
        with pytest.raises(DatasetError, match='fit|finite'):
            read_camera_poses(path)
    good.save(path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DatasetError, match='truncated'):
        read_camera_poses(path)


def test_the_converter(tmp_path, monkeypatch, capsys):
    content = {key: dict(R=c.R, T=c.T[:, None], f=c.f[:, None], c=c.c[:, None], k=c.k, p=c.p,
                         w=1000, h=1002) for key, c in h36m_cameras().items()}
    (tmp_path / 'cameras.pkl').write_bytes(pickle.dumps(content))
    out = tmp_path / 'out.npz'
    monkeypatch.setattr(sys, 'argv', ['h36m_cameras', str(tmp_path / 'cameras.pkl'), str(out)])
    runpy.run_path('tools/dataset_converters/h36m_cameras.py', run_name='__main__')
    assert '4 cameras' in capsys.readouterr().out
    cameras, expected = read_camera_poses(out), from_h36m(h36m_cameras())
    for key, value in vars(expected).items():
        np.testing.assert_allclose(getattr(cameras, key), value)
    assert cameras.subjects.tolist() == [1, 1, 11, 11]


def test_packed():
    batch = dict(keypoints=torch.ones(2, 17, 3), keypoints_2d=torch.rand(2, 17, 2),
                 index=torch.arange(2), subject=torch.ones(2))
    packed = PackLifting()(batch)
    assert packed['inputs'].shape == (2, 17, 2)
    assert set(packed['data_samples']) == {'index', 'subject', 'target'}


def test_synthetic_people_join_recordings(tmp_path):
    write_archive(tmp_path / 'a.npz', synthetic_clips(2, 5, seed=1))
    dataset = PoseDataset([dict(ann_file='a.npz')], str(tmp_path), num_synthetic=7)
    assert len(dataset) == 10 + 7 and set(dataset.arrays) == {'keypoints'}
    assert (dataset.arrays['keypoints'][:, 0] == 0).all()


def test_orthographic_points_are_the_poses_own():
    torch.manual_seed(0)
    batch = ProjectPoses(projection='orthographic')(dict(
        keypoints=torch.from_numpy(synthetic_poses(8, 0))))
    assert torch.equal(batch['keypoints_2d'], batch['keypoints'][..., :2])
    with pytest.raises(ValueError, match="projection must be .* got 'fisheye'"):
        ProjectPoses(projection='fisheye')


@pytest.mark.parametrize('value, message', [
    (0., 'a 2D pose without size: sample 12 of'), (7., 'a 2D pose without size: sample 12 of'),
    (float('nan'), 'a 2D pose that is not finite: sample 12 of'),
    (float('inf'), 'a 2D pose that is not finite: sample 12 of'),
])
def test_poses_that_cannot_be_lifted_are_refused(value, message):
    points = torch.rand(3, 17, 2)
    points[2, 1 if value > 7 or value != value else slice(None)] = value
    batch = dict(keypoints=torch.ones(3, 17, 3), keypoints_2d=points,
                 index=torch.tensor([10, 11, 12]))
    with pytest.raises(DatasetError, match=message):
        PackLifting()(batch)
    del batch['index']
    with pytest.raises(DatasetError, match=message.replace('12', '2')):
        PackLifting()(batch)
