import importlib.util
import pickle
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from mmviewpose.datasets.formats import skipose
from mmviewpose.datasets.formats.views import from_sequences
from mmviewpose.errors import DatasetError, UserError

H5PY = importlib.util.find_spec('h5py') is not None
CAMERAS = 6
K = np.array([[4., 0, .45], [0, 4.1, .55], [0, 0, 1]])  # in shares of the crop


def run_of_frames(frames_of, seq=3, seed=0):
    """Rows of labels.h5 for a run, and where the pelvis truly is: {(cam, frame): (3,)} metres."""
    rng, rows, pelvis = np.random.default_rng(seed), [], {}
    for cam, frames in frames_of.items():
        for frame in frames:
            pose = rng.normal(scale=.4, size=(17, 3))
            pose[0] = 0
            place = np.array([*rng.normal(scale=.3, size=2), rng.uniform(8, 20)])
            seen = (pose + place) @ K.T
            rows.append(dict(seq=seq, cam=cam, frame=frame, subj=2, **{
                '3D': pose.ravel(), '2D': (seen[:, :2] / seen[:, 2:]).ravel()}, cam_intrinsic=K,
                cam_position=rng.normal(size=3), R_cam_2_world=np.eye(3)))
            pelvis[cam, frame] = place
    order = rng.permutation(len(rows))
    return {key: np.array([rows[i][key] for i in order]) for key in rows[0]}, pelvis


class _File(dict):
    """What is used of h5py.File, over an .npz."""

    def __init__(self, path, mode):
        try:
            super().__init__(np.load(path, allow_pickle=False))
        except Exception as e:
            raise OSError(f'Unable to open file ({e})') from e

    __enter__ = lambda self: self  # noqa: E731
    __exit__ = lambda self, *args: None  # noqa: E731


@pytest.fixture
def release(tmp_path, monkeypatch):
    """A function that writes train/labels.h5; as an .npz with a stand-in where h5py is missing."""

    def write(arrays, split='train'):
        path = tmp_path / 'Ski' / split / 'labels.h5'
        path.parent.mkdir(parents=True, exist_ok=True)
        if H5PY:
            import h5py
            with h5py.File(path, 'w') as file:
                for key, value in arrays.items():
                    file[key] = value
        else:
            monkeypatch.setitem(sys.modules, 'h5py', SimpleNamespace(File=_File))
            with open(path, 'wb') as file:
                np.savez(file, **arrays)
        return tmp_path / 'Ski'

    return write


def test_six_moving_cameras(release):
    arrays, pelvis = run_of_frames({cam: range(10, 14) for cam in range(CAMERAS)})
    views = list(skipose.read_views(release(arrays)))
    assert [s.view for s in views] == [f'cam_{cam:02d}' for cam in range(CAMERAS)]
    archive = from_sequences(views)
    assert set(archive.clips) == {'train_seq_003'} and archive.labelled.all()
    assert archive.labels['split'].tolist() == ['train'] * 6
    assert archive.labels['subject'].tolist() == [2] * 6
    for cam, sequence in enumerate(views):
        for place, frame in enumerate(range(10, 14)):
            row = np.flatnonzero((arrays['cam'] == cam) & (arrays['frame'] == frame))[0]
            np.testing.assert_allclose(sequence.keypoints[place],
                                       arrays['2D'][row].reshape(17, 2) * 256, rtol=1e-5)
            pose = arrays['3D'][row].reshape(17, 3) + pelvis[cam, frame]
            np.testing.assert_allclose(sequence.positions[place], pose * 1000, rtol=1e-4)
        assert (sequence.scores == 1).all() and sequence.intrinsics is None
        assert sequence.image_size == (256, 256)


def test_missing_pictures_are_masked(release):
    arrays, pelvis = run_of_frames({0: [10, 11, 12, 13], 1: [11, 13], 2: [12]})
    views = {s.view: s for s in skipose.read_views(release(arrays))}
    from_sequences(list(views.values()))  # all of one length
    assert views['cam_01'].scores.any(1).tolist() == [False, True, False, True]
    assert views['cam_02'].scores.any(1).tolist() == [False, False, True, False]
    assert (views['cam_01'].keypoints[[0, 2]] == 0).all()
    np.testing.assert_array_equal(views['cam_01'].positions[0], views['cam_01'].positions[1])
    assert np.isfinite(views['cam_02'].positions).all()


def test_train_and_test_do_not_collide(release):
    arrays, _ = run_of_frames({0: [1], 1: [1]})
    release(arrays, 'train')
    views = list(skipose.read_views(release(arrays, 'test')))
    assert {s.clip for s in views} == {'train_seq_003', 'test_seq_003'}
    from_sequences(views)


def test_broken_files_are_refused(release, tmp_path, monkeypatch):
    with pytest.raises(DatasetError, match='no such file or folder'):
        list(skipose.read_views(tmp_path / 'absent'))
    arrays, _ = run_of_frames({0: [1, 2], 1: [1, 2]})
    row = np.flatnonzero((arrays['cam'] == 1) & (arrays['frame'] == 2))[0]
    bad = {key: value.copy() for key, value in arrays.items()}
    bad['3D'][row, 7] = np.nan
    with pytest.raises(DatasetError, match='labels.h5: sequence seq_003: frame 2: .*not finite'):
        list(skipose.read_views(release(bad)))
    twice = {key: np.concatenate([value, value[row:row + 1]]) for key, value in arrays.items()}
    with pytest.raises(DatasetError, match='sequence seq_003: frame 2: .*twice in camera 1'):
        list(skipose.read_views(release(twice)))
    behind = dict(arrays, **{'2D': 1 - arrays['2D']})
    behind['cam_intrinsic'] = np.where(np.eye(3) > 0, arrays['cam_intrinsic'],
                                       1 - arrays['cam_intrinsic']) * [1, 1, 1]
    behind['cam_intrinsic'][:, 2] = [0, 0, 1]
    behind['cam_intrinsic'][:, 0, 1] = behind['cam_intrinsic'][:, 1, 0] = 0
    with pytest.raises(DatasetError, match='train_seq_003: frame 1: .*disagree'):
        list(skipose.read_views(release(behind)))
    with pytest.raises(DatasetError, match='labels.h5: an array is missing'):
        list(skipose.read_views(release({k: v for k, v in arrays.items() if k != 'cam'})))
    with pytest.raises(DatasetError, match='labels.h5: arrays do not fit'):
        list(skipose.read_views(release(dict(arrays, **{'3D': arrays['3D'][:, :48]}))))
    root = release(arrays)
    (root / 'train' / 'labels.h5').write_bytes(b'not hdf5')
    with pytest.raises(DatasetError, match='labels.h5: not a readable HDF5'):
        list(skipose.read_views(root))
    monkeypatch.setitem(sys.modules, 'h5py', None)  # importing it fails
    with pytest.raises(UserError, match='pip install h5py'):
        list(skipose.read_views(root))


# What the authors' prepare_data.py makes of it


def sequences(frames=4, seed=0):
    """A run as in train_sequences.pkl, camera 1 without its last two frames, camera 2 empty."""
    arrays, pelvis = run_of_frames({cam: range(frames) for cam in range(3)}, seed=seed)
    order = np.lexsort((arrays['frame'], arrays['cam']))
    by_camera = {key: value[order].reshape(3, frames, *value.shape[1:])
                 for key, value in arrays.items()}
    rng = np.random.default_rng(seed + 1)
    labels_2d = by_camera['2D'].reshape(3, frames, 17, 2)
    conf = rng.uniform(.1, 1.1, (3, frames, 17))
    found = labels_2d * 256 + rng.normal(size=labels_2d.shape)
    there = np.ones((3, frames), bool)
    there[1, 2:] = there[2] = False
    return dict(subj=[2., 2., 2.], gt_3D=by_camera['3D'].reshape(3, frames, 17, 3),
                gt_2D=labels_2d, pose_2D_px=labels_2d * 256,
                camera_intrinsic=by_camera['cam_intrinsic'],
                pred_2D=np.concatenate([found, conf[..., None]], -1), pred_conf=conf,
                image_path=[['./train/seq_000/cam_00/image_000001.png']],
                frame_existance=there), pelvis


def test_detections_of_the_authors(tmp_path):
    run, pelvis = sequences()
    (tmp_path / 'train_sequences.pkl').write_bytes(pickle.dumps([run]))
    first, second = skipose.read_views(tmp_path, detections=True)
    assert (first.clip, first.view, second.view) == ('train_seq_000', 'cam_00', 'cam_01')
    assert second.scores.any(1).tolist() == [True, True, False, False]
    np.testing.assert_allclose(first.keypoints, run['pred_2D'][0, ..., :2], rtol=1e-5)
    # confidences come in COCO's order: its right wrist (10) is Human3.6M's joint 16
    np.testing.assert_allclose(first.scores[:, 16], run['pred_conf'][0, :, 10].clip(0, 1),
                               rtol=1e-5)
    np.testing.assert_allclose(first.scores[:, 0],
                               run['pred_conf'][0, :, [11, 12]].min(0).clip(0, 1), rtol=1e-5)
    pose = (run['gt_3D'][1, 1] + pelvis[1, 1]) * 1000
    np.testing.assert_allclose(second.positions[1], pose, rtol=1e-4)
    from_sequences([first, second])


@pytest.mark.parametrize('change, message', [
    (lambda run: run.pop('pred_conf'), "seq_000: the run has no 'pred_conf'"),
    (lambda run: run.update(gt_3D=run['gt_3D'][:, :2]), 'seq_000: arrays of the run do not fit'),
    (lambda run: run['pred_2D'].__setitem__((0, 2, 3, 0), np.nan), 'seq_000: frame 2.*finite'),
    (lambda run: run['frame_existance'].fill(False), 'seq_000: no picture'),
])
def test_broken_detections_are_refused(tmp_path, change, message):
    run, _ = sequences()
    change(run)
    (tmp_path / 'train_sequences.pkl').write_bytes(pickle.dumps([run]))
    with pytest.raises(DatasetError, match=f'train_sequences.pkl: sequence {message}'):
        list(skipose.read_views(tmp_path, detections=True))
