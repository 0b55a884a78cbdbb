import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

from mmviewpose.datasets import PoseDataset
from mmviewpose.datasets.formats import mpi_inf_3dhp
from mmviewpose.datasets.formats.cameras import from_mpi_inf_3dhp
from mmviewpose.datasets.formats.convert import convert
from mmviewpose.errors import DatasetError

TRAIN = ('S4_Seq2_Cam0_000003.jpg', 'S4_Seq2_Cam0_000001.jpg', 'S4_Seq2_Cam0_000002.jpg',
         'S1_Seq2_Cam8_000007.jpg')
TEST = tuple(f'TS1_{frame:06d}.jpg' for frame in (1, 2, 3, 4, 5, 6, 9, 10)) + ('TS6_000002.jpg', )


@pytest.fixture
def npz(tmp_path):
    def write(names, **changes):
        rng, n = np.random.default_rng(0), len(names)
        arrays = dict(imgname=np.array(names), center=np.zeros((n, 2)), scale=np.ones(n),
                      part=rng.uniform(0, 900, (n, 17, 3)), S=rng.normal(size=(n, 17, 4)) + 4)
        arrays['S'][..., 3] = arrays['part'][..., 2] = rng.integers(0, 2, (n, 17))
        arrays.update(changes)
        path = tmp_path / 'mpi_inf_3dhp.npz'
        np.savez(path, **{k: v for k, v in arrays.items() if v is not None})
        return path, arrays

    return write


def rotation(seed):
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return q * np.sign(np.linalg.det(q))


@pytest.fixture
def cameras(tmp_path):
    def write(*drop, **changes):
        camera = dict(R=rotation(0), T=np.array([[.5], [1.4], [3.]]), f=np.full((2, 1), 1497.),
                      c=np.full((2, 1), 1024.), w=2048., h=204., name='train_cam_0')
        camera.update(changes)
        camera = {key: value for key, value in camera.items() if key not in drop}
        path = tmp_path / 'cameras_train.pkl'
        test = dict(f=camera['f'], c=camera['c'], w=1920, h=1080)
        path.write_bytes(pickle.dumps({'S4_Seq2_Cam0': camera, 'S1_Seq2_Cam8': camera, 'TS1': test,
                                       'TS6': test}))
        return path

    return write


@pytest.fixture
def activities(tmp_path):
    def write(suffix='.npz', **arrays):
        arrays = {key: np.asarray(value) for key, value in arrays.items()}
        path = tmp_path / f'activities{suffix}'
        if suffix == '.npz':
            np.savez(path, **arrays)
        else:
            path.write_text(json.dumps({key: value.tolist() for key, value in arrays.items()}))
        return path

    return write


def test_frames_are_grouped_and_sorted(npz):
    path, arrays = npz(TRAIN)
    second, first = mpi_inf_3dhp.read_folder(path)
    assert (first.name, second.name) == ('S4_Seq2_Cam0', 'S1_Seq2_Cam8')
    np.testing.assert_allclose(first.positions, arrays['S'][[1, 2, 0], :, :3] * 1000, rtol=1e-6)
    assert first.labels == dict(split='train', subject=4, sequence='S4_Seq2', camera=0)
    assert (first.layout, first.up) == ('mpi_inf_3dhp17', '-y')
    assert (first.fps, second.fps) == (25., 50.)
    assert first.valid.all(), 'outside the picture is no reason to mask 3D'


def test_test_sequences_without_activities(npz):
    path, arrays = npz(TEST)
    clips = mpi_inf_3dhp.read_file(path)
    assert [c.name for c in clips] == ['TS1@000001', 'TS1@000009', 'TS6']
    assert [len(c) for c in clips] == [6, 2, 1]
    np.testing.assert_allclose(clips[1].positions, arrays['S'][6:8, :, :3] * 1000, rtol=1e-6)
    assert clips[2].labels == dict(split='test', subject=14, sequence='TS6', camera=-1)


def test_cameras_bring_training_clips_to_world_space(npz, cameras):
    path, arrays = npz(TRAIN + TEST)
    *tests, _, clip = mpi_inf_3dhp.read_file(path, cameras())
    assert clip.up == '+y' and {t.up for t in tests} == {'-y'}
    R, T = rotation(0), np.array([.5, 1.4, 3.])
    seen = np.stack([[R @ (p / 1000) + T for p in frame] for frame in clip.positions])
    np.testing.assert_allclose(seen, arrays['S'][[1, 2, 0], :, :3], atol=1e-5)


@pytest.mark.parametrize('suffix', ['.npz', '.json'])
def test_activities_cut_and_mask(npz, activities, suffix):
    path, arrays = npz(TEST)
    clips = mpi_inf_3dhp.read_file(path, activities=activities(
        suffix, TS1_activity=[1, 1, 5, 5, 5, 0, 1, 1, 2, 2],
        TS1_valid=[1, 1, 0, 1, 1, 0, 1, 1, 1, 1], TS6_activity=[3, 3]))
    assert [(c.name, c.labels['activity']) for c in clips] == [
        ('TS1@000001', 'Standing-Walking'), ('TS1@000003', 'On-the-floor'),
        ('TS1@000009', 'Exercising'), ('TS6', 'Sitting')]  # frame 6, alone, does not count
    assert [c.valid.tolist() for c in clips] == [[True] * 2, [False, True, True], [True] * 2,
                                                 [True]]
    np.testing.assert_allclose(clips[1].positions[1:], arrays['S'][3:5, :, :3] * 1000, rtol=1e-6)


def test_frames_that_are_not_finite_are_masked(npz):
    S = np.random.default_rng(1).normal(size=(4, 17, 4))
    S[0, 4, 1] = np.nan
    path, _ = npz(TRAIN, S=S)
    assert mpi_inf_3dhp.read_file(path)[1].valid.tolist() == [True, True, False]


@pytest.mark.parametrize('changes, message', [
    (dict(S=np.zeros((4, 16, 4))), r'S must be \(4, 17, 4\)'),
    (dict(S=np.ones((4, 17, 3))), r'S must be \(4, 17, 4\)'),
    (dict(S=None), 'no array'),
    (dict(imgname=None), 'no array'),
    (dict(part=np.zeros((4, 16, 3))), 'part must be'),
    (dict(S=np.full((4, 17, 4), np.nan)), 'S1_Seq2_Cam8: every frame is'),
    (dict(imgname=np.array(TRAIN[:3] + TRAIN[:1])), 'S4_Seq2_Cam0: frame 3: a frame comes twice'),
    (dict(imgname=np.array(TRAIN[:3] + ('S4_Cam0_000001.jpg', ))), 'name S4_Cam0_000001.jpg is'),
    (dict(imgname=np.array(TRAIN[:3] + ('XTS1_000001.jpg', ))), 'name XTS1_000001.jpg is'),
    (dict(imgname=np.array([]), S=np.zeros((0, 17, 4)), part=None), 'no frames'),
])
def test_bad_files(npz, changes, message):
    path, _ = npz(TRAIN, **changes)
    with pytest.raises(DatasetError, match=message) as error:
        mpi_inf_3dhp.read_folder(path)
    assert str(path) in str(error.value)


def test_truncated_pickled_and_empty(npz, tmp_path):
    path, _ = npz(TRAIN)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DatasetError, match='3dhp.npz: not a readable .npz'):
        mpi_inf_3dhp.read_file(path)
    path, _ = npz(TRAIN, imgname=np.array(TRAIN, dtype=object))
    with pytest.raises(DatasetError, match='not a readable .npz'):
        mpi_inf_3dhp.read_file(path)
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DatasetError, match=r'holds no \*\.npz'):
        mpi_inf_3dhp.read_folder(tmp_path / 'empty')


def test_bad_cameras(npz, cameras, tmp_path):
    path, _ = npz(TRAIN + ('S2_Seq1_Cam4_000001.jpg', ))
    with pytest.raises(DatasetError, match='S2_Seq1_Cam4: no camera S2_Seq1_Cam4 in .*train.pkl'):
        mpi_inf_3dhp.read_file(path, cameras())
    with pytest.raises(DatasetError, match='camera S4_Seq2_Cam0 is incomplete'):
        mpi_inf_3dhp.read_file(path, cameras(f=np.ones(3)))
    with pytest.raises(DatasetError, match='camera S4_Seq2_Cam0 is incomplete'):
        mpi_inf_3dhp.read_file(path, cameras('R', 'T'))
    with pytest.raises(DatasetError, match='not finite'):
        mpi_inf_3dhp.read_file(path, cameras(T=np.full((3, 1), np.nan)))
    (tmp_path / 'name.pkl').write_bytes(pickle.dumps({'S4_Cam0': {}}))
    with pytest.raises(DatasetError, match='name.pkl: camera S4_Cam0 is called neither'):
        mpi_inf_3dhp.read_file(path, tmp_path / 'name.pkl')
    (tmp_path / 'list.pkl').write_bytes(pickle.dumps([1]))
    with pytest.raises(DatasetError, match='list.pkl: not a dict'):
        mpi_inf_3dhp.read_file(path, tmp_path / 'list.pkl')


@pytest.mark.parametrize('arrays, message', [
    (dict(TS1_activity=[1] * 10), '3dhp.npz: sequence TS6: no activities of it'),
    (dict(TS1_activity=[1] * 9, TS6_activity=[1, 1]), 'sequence TS1: frame 10: no activity'),
    (dict(TS1_activity=[1] * 9 + [8]), 'activities.npz: sequence TS1: frame 10: activity 8'),
    (dict(TS1_activity=[1] * 10, TS1_valid=[1] * 9), 'TS1: 10 activities but 9 flags'),
    (dict(TS1_activity=[1, 1.5]), 'TS1_activity must hold a whole number'),
    (dict(TS1_activity=[1, np.nan]), 'TS1_activity must hold a whole number'),
    (dict(TS1_activity=['a', 'b']), 'activities.npz: not a readable'),
    (dict(TS1=[1]), "no array 'TS1_activity'"),
])
def test_bad_activities(npz, activities, arrays, message):
    path, _ = npz(TEST)
    with pytest.raises(DatasetError, match=message):
        mpi_inf_3dhp.read_file(path, activities=activities(**arrays))


def test_broken_activity_files(npz, tmp_path):
    path, _ = npz(TEST)
    for name, text in (('a.npz', 'short'), ('a.json', '{'), ('b.json', '[1]')):
        (tmp_path / name).write_text(text)
        with pytest.raises(DatasetError, match=f'{name}: not a readable'):
            mpi_inf_3dhp.read_file(path, activities=tmp_path / name)
    with pytest.raises(DatasetError, match='none.npz'):
        mpi_inf_3dhp.read_file(path, activities=tmp_path / 'none.npz')


def test_poses_seen_by_the_camera_that_recorded_them(npz, cameras, load_tool, tmp_path, capsys):
    """Cameras, archive and ProjectPoses give back what the file has."""
    S = np.random.default_rng(2).normal(scale=.4, size=(len(TRAIN + TEST), 17, 4))
    S[..., 2] += 4
    path, _ = npz(TRAIN + TEST, S=S)
    load_tool('dataset_converters/h36m_cameras.py').main(
        [str(cameras()), str(tmp_path / 'cameras.npz'), '--source', 'mpi_inf_3dhp'])
    assert '4 cameras' in capsys.readouterr().out
    convert('mpi_inf_3dhp', path, tmp_path / 'a.npz', layout='mpi_inf_3dhp17', fps=None,
            cameras=cameras())
    dataset = PoseDataset(
        [dict(ann_file='a.npz')], str(tmp_path), 'mpi_inf_3dhp17', centred=False, prepare=[
            dict(type='ProjectPoses', cameras=str(tmp_path / 'cameras.npz'), own_camera=True,
                 root=14)])
    seen = S[[*range(4, 13), 3, 1, 2, 0], :, :3] * 1000
    np.testing.assert_allclose(dataset.arrays['keypoints'],
                               (seen - seen[:, 14:15]) * [1, -1, -1], atol=1e-2)
    image = seen[..., :2] / seen[..., 2:] * [4500, -4500]
    np.testing.assert_allclose(dataset.arrays['keypoints_2d'], image - image[:, 14:15], atol=2e-2)


def test_cameras_that_differ_between_the_sequences_of_a_subject():
    camera = mpi_inf_3dhp.Camera(np.ones(2), np.ones(2), (2048, 2048), np.eye(3), np.zeros(3))
    moved = replace(camera, T=np.ones(3))
    known = {mpi_inf_3dhp.Recording('train', 4, n, 0): c for n, c in ((1, camera), (2, moved))}
    with pytest.raises(DatasetError, match='S4_Seq2_Cam0: another calibration'):
        from_mpi_inf_3dhp(known)


@pytest.mark.parametrize('layout', ['h36m17', 'h36m16', 'ape17'])
def test_converted(npz, cameras, layout):
    path, _ = npz(TRAIN)
    archive = convert('mpi_inf_3dhp', path, layout=layout, fps=None, cameras=cameras())
    assert (archive.layout, archive.up, len(archive)) == (layout, '+y', 2)
