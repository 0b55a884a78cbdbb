import pickle

import numpy as np
import pytest

from mmviewpose.datasets.formats import h36m
from mmviewpose.errors import DatasetError


def names(*keys):
    return np.array([f'S1/{k.rsplit("_", 1)[0]}/{k}.jpg' for k in keys])


@pytest.fixture
def npz(tmp_path):
    def write(imgname, **changes):
        rng = np.random.default_rng(0)
        n = len(imgname)
        arrays = dict(imgname=imgname, S=rng.normal(size=(n, 17, 4)) + 4,
                      part=rng.normal(size=(n, 17, 3)))
        arrays['S'][..., 3] = 1
        arrays.update(changes)
        arrays = {k: v for k, v in arrays.items() if v is not None}
        np.savez(tmp_path / 'h36m.npz', **arrays)
        return tmp_path / 'h36m.npz', arrays

    return write


def rotation(seed):
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return q * np.sign(np.linalg.det(q))


@pytest.fixture
def cameras(tmp_path):
    def write(**changes):
        camera = dict(R=rotation(0), T=np.array([[1.], [2.], [1.5]]), f=np.ones((2, 1)) * 1145,
                      c=np.ones((2, 1)) * 512, k=np.zeros((3, 1)), p=np.zeros((2, 1)), w=1000,
                      h=1002, name='camera1', id='54138969')
        camera.update(changes)
        path = tmp_path / 'cameras.pkl'
        path.write_bytes(pickle.dumps({('S1', '54138969'): camera}))
        return path

    return write


ORDER = ('S1_Directions_1.54138969_000011', 'S1_Directions_1.54138969_000001',
         'S1_Directions_1.54138969_000006', 'S11_Walk.58860488_000001')


def test_frames_are_grouped_and_sorted(npz):
    path, arrays = npz(names(*ORDER))
    first, second = h36m.read_folder(path)
    assert (first.name, second.name) == ('S1_Directions_1.54138969', 'S11_Walk.58860488')
    np.testing.assert_allclose(first.positions, arrays['S'][[1, 2, 0], :, :3] * 1000, rtol=1e-6)
    assert first.labels == dict(subject=1, action='Directions', subaction=1,
                                camera='54138969')
    assert (first.layout, first.up, first.fps, second.fps) == ('h36m17', '-y', 10., 50.)
    points = h36m.read_image_points(path)
    np.testing.assert_allclose(points[first.name], arrays['part'][[1, 2, 0]], rtol=1e-6)


def test_cameras_bring_clips_to_world_space(npz, cameras):
    path, arrays = npz(names(*ORDER[:3]))
    clip, = h36m.read_folder(path, cameras=cameras())
    R, T = rotation(0), np.array([1., 2., 1.5])
    # x_cam = R^T (X - T)
    back = np.stack([[R.T @ (p / 1000 - T) for p in frame] for frame in clip.positions])
    np.testing.assert_allclose(back, arrays['S'][[1, 2, 0], :, :3], atol=1e-5)
    assert clip.up == '+z'


def test_invisible_and_broken_frames_are_masked(npz):
    S = np.random.default_rng(1).normal(size=(3, 17, 4))
    S[..., 3] = 1
    S[1, 4, 3] = 0
    S[2, 4, 1] = np.nan
    path, _ = npz(names(*ORDER[:3]), S=S)
    assert h36m.read_file(path)[0].valid.tolist() == [False, False, True]


@pytest.mark.parametrize('changes, message', [
    (dict(S=np.zeros((3, 16, 4))), r'S must be \(3, 17, 4\)'),
    (dict(S=np.ones((3, 17, 3))), r'S must be \(3, 17, 4\)'),
    (dict(S=None), 'no array'),
    (dict(S=np.zeros((3, 17, 4))), 'every frame is all zero'),
    (dict(part=np.zeros((3, 16, 3))), 'part must be'),
    (dict(imgname=names('S1_Walk.1_000001', 'S1_Walk.1_000001', 'S1_Walk.1_000002')),
     'S1_Walk.1: frame 1: a frame comes twice'),
    (dict(imgname=np.array(['a.jpg', 'b.jpg', 'c.jpg'])), 'image name a.jpg'),
    (dict(imgname=np.array([]), S=np.zeros((0, 17, 4)), part=None), 'no frames'),
])
def test_bad_files(npz, changes, message):
    path, _ = npz(**{'imgname': names(*ORDER[:3]), **changes})
    with pytest.raises(DatasetError, match=message) as error:
        h36m.read_folder(path)
    assert str(path) in str(error.value)


def test_truncated_empty_and_pickled(npz, tmp_path):
    path, _ = npz(names(*ORDER))
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DatasetError, match='not a readable .npz'):
        h36m.read_file(path)
    path, _ = npz(names(*ORDER).astype(object))
    with pytest.raises(DatasetError, match='not a readable .npz'):
        h36m.read_file(path)
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DatasetError, match=r'holds no \*\.npz'):
        h36m.read_folder(tmp_path / 'empty')


def test_bad_cameras(npz, cameras):
    path, _ = npz(names(*ORDER))
    with pytest.raises(DatasetError, match='S11_Walk.58860488: no camera S11 58860488'):
        h36m.read_file(path, cameras())
    with pytest.raises(DatasetError, match='is incomplete'):
        h36m.read_file(path, cameras(R=np.eye(2)))
    with pytest.raises(DatasetError, match='not finite'):
        h36m.read_file(path, cameras(T=np.full((3, 1), np.nan)))


def test_bad_image_points(npz):
    part = np.zeros((3, 17, 3))
    part[0, 2, 1] = np.nan
    path, _ = npz(names(*ORDER[:3]), part=part)
    with pytest.raises(DatasetError, match='frame 11: a value is not finite'):
        h36m.read_image_points(path)
    path, _ = npz(names(*ORDER[:3]), part=None)
    with pytest.raises(DatasetError, match="no array 'part'"):
        h36m.read_image_points(path)
