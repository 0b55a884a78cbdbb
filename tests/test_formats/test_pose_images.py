"""Readers against trees that `write_pose_images` of conftest.py writes."""
import pickle

import numpy as np
import pytest

from mmviewpose.datasets.formats.pose_images import read_h36m, read_mpi_inf_3dhp
from mmviewpose.errors import DatasetError


@pytest.fixture
def h36m(tmp_path, write_pose_images):
    tree = write_pose_images(tmp_path, images=False)
    return lambda **options: (read_h36m(tmp_path / 'train.npz', tmp_path / 'cameras.pkl',
                                        **options), tree)


@pytest.fixture
def mpi(tmp_path, write_pose_images):
    root = tmp_path / '3dhp'
    tree = write_pose_images(root, 'mpi_inf_3dhp', performances=('Seq1', 'Seq2'), frames=(1, 6),
                             images=False)
    return lambda **options: (read_mpi_inf_3dhp(root / 'train.npz', root / 'cameras.pkl',
                                                **options), tree)


def rewrite(tmp_path, **changes):
    """Change arrays of the file; None takes one out."""
    with np.load(tmp_path / 'train.npz') as data:
        arrays = {**{key: data[key] for key in data.files}, **changes}
    np.savez(tmp_path / 'train.npz',
             **{key: value for key, value in arrays.items() if value is not None})


def array(tmp_path, key):
    with np.load(tmp_path / 'train.npz') as data:
        return data[key]


def test_human36m(h36m):
    found, tree = h36m()
    rows = [tree.names.index(name) for name in found.files]
    assert sorted(rows) == list(range(48)) and found.layout == 'h36m17'
    x, y, z = np.moveaxis(tree.world[rows], -1, 0)
    np.testing.assert_allclose(found.poses, np.stack([x, z, -y], -1), atol=1e-3)
    assert found.poses.dtype == np.float32
    np.testing.assert_allclose(found.centres, tree.centre[rows])
    np.testing.assert_allclose(found.sides, 30.)
    assert found.frames.tolist() == [1, 6, 11] * 16
    assert found.recording.tolist() == np.repeat(np.arange(16), 3).tolist()
    assert found.names[:5].tolist() == [
        f'S1_Sitting.{serial}' for serial in ('54138969', '55011271', '58860488', '60457274')
    ] + ['S1_Walking_1.54138969']
    assert found.clips.tolist() == [f'S{s}_{a}' for s in (1, 5) for a in ('Sitting', 'Walking_1')
                                    for _ in range(4)]
    assert found.views.tolist() == [1, 2, 3, 4] * 4
    assert found.subjects.tolist() == [1] * 8 + [5] * 8
    assert found.labels['action'].tolist() == (['Sitting'] * 4 + ['Walking'] * 4) * 2
    assert found.labels['subaction'].tolist() == ([0] * 4 + [1] * 4) * 2
    assert (found.sizes == [64, 60]).all()


def test_mpi_inf_3dhp(mpi):
    found, tree = mpi()
    rows = [tree.names.index(name) for name in found.files]
    assert sorted(rows) == list(range(24)) and found.layout == 'mpi_inf_3dhp17'
    np.testing.assert_allclose(found.poses, tree.world[rows], atol=1e-3)
    assert found.clips.tolist() == ['S1_Seq1'] * 3 + ['S1_Seq2'] * 3 + ['S5_Seq1'] * 3 + [
        'S5_Seq2'] * 3
    assert found.views.tolist() == [0, 1, 2] * 4
    assert found.labels['sequence'].tolist() == [1, 1, 1, 2, 2, 2] * 2
    assert (found.sizes == 2048).all()


def test_some_of_them(h36m, mpi):
    for read in (h36m, mpi):
        everything, _ = read()
        found, _ = read(subjects=[5], views=[2, 1], every=5)
        assert found.files.tolist() == [
            name for name, recording in zip(everything.files, everything.recording)
            if everything.subjects[recording] == 5 and everything.views[recording] in (1, 2)]
        found, _ = read(every=10)
        assert set(found.frames) == {1, 11} & set(everything.frames)
        found, _ = read(every=64)
        assert set(found.frames) == {1} and len(found.names) == len(everything.names)


def test_a_recording_without_a_chosen_frame_is_left_out(tmp_path, write_pose_images):
    left_out = [f'S1/S1_Sitting.54138969/S1_Sitting.54138969_{n:06d}.jpg' for n in (1, 11)]
    write_pose_images(tmp_path, leave_out=left_out, images=False)
    found = read_h36m(tmp_path / 'train.npz', tmp_path / 'cameras.pkl', every=10)
    assert len(found.names) == 15 and 'S1_Sitting.54138969' not in found.names
    assert found.recording.max() == 14


def test_joints_outside_the_picture_are_known_in_3dhp_alone(tmp_path, h36m, mpi):
    for root in (tmp_path, tmp_path / '3dhp'):
        points = array(root, 'S')
        points[0, 3, 3] = 0
        rewrite(root, S=points)
    with pytest.raises(DatasetError, match='sequence S1_Walking_1.54138969: frame 1: a value'):
        h36m()
    assert len(mpi()[0].files) == 24


@pytest.mark.parametrize('key, place, value, message', [
    ('S', (4, 2, 1), np.nan, r'frame 6: a value is not finite'),
    ('center', (4, 0), np.inf, r'frame 6: a value is not finite'),
    ('scale', 4, 0., r'frame 6: the box, .* shows nothing of the picture'),
    ('scale', 4, np.nan, r'frame 6: a value is not finite'),
    ('center', (4, 1), -15., r'frame 6: the box, \[ 32. -15.  30.\] .* shows nothing'),
    ('center', (4, 0), 80., r'frame 6: the box')])
def test_broken_frames(tmp_path, h36m, key, place, value, message):
    values = array(tmp_path, key)
    values[place] = value
    rewrite(tmp_path, **{key: values})
    with pytest.raises(DatasetError, match='train.npz: sequence S1_Walking_1.55011271: ' + message
                       ) as error:
        h36m()
    assert error.value.frame == 6
    # of what is not taken nothing is wanted
    assert len(h36m(views=[1, 3])[0].files) == 24 and len(h36m(every=10)[0].files) == 32


@pytest.mark.parametrize('changes, message', [
    (dict(center=None), "no array .*center"), (dict(scale=None), 'no array .*scale'),
    (dict(center=np.zeros((48, 3))), r'center must be \(48, 2\) and scale \(48,\), got \(48, 3\)'),
    (dict(scale=np.zeros((48, 1))), r'center must be .*, got \(48, 2\) and \(48, 1\)'),
    (dict(scale=np.array(['a'] * 48)), 'not a readable .npz'),
    (dict(S=np.zeros((48, 16, 4))), r'S must be \(48, 17, 4\)'),
    (dict(imgname=np.array(['a.jpg'] * 48)), 'image name a.jpg is not S1_Action')])
def test_broken_files(tmp_path, h36m, changes, message):
    rewrite(tmp_path, **changes)
    with pytest.raises(DatasetError, match=f'train.npz: {message}'):
        h36m()


def test_a_frame_that_is_there_twice(tmp_path, h36m):
    names = array(tmp_path, 'imgname')
    names[1] = names[0]
    rewrite(tmp_path, imgname=names)
    with pytest.raises(DatasetError, match='S1_Walking_1.54138969: frame 1: a frame comes twice'):
        h36m()


@pytest.mark.parametrize('options, message', [
    (dict(subjects=[1, 9]), r'no subject 9; there are \[1, 5\]'),
    (dict(views=[5]), r'no view 5; there are \[1, 2, 3, 4\]'),
    (dict(subjects=[]), 'no frame is left of .*subjects.*')])
def test_what_is_not_there(h36m, options, message):
    with pytest.raises(DatasetError, match=f'train.npz: {message}'):
        h36m(**options)
    with pytest.raises(ValueError, match='every must be positive'):
        h36m(every=0)


def test_cameras(tmp_path, mpi):
    path = tmp_path / '3dhp' / 'cameras.pkl'
    cameras = pickle.loads(path.read_bytes())
    del cameras['S5_Seq1_Cam1']
    path.write_bytes(pickle.dumps(cameras))
    with pytest.raises(DatasetError, match='sequence S5_Seq1_Cam1: no camera S5_Seq1_Cam1 in'):
        mpi()
    assert len(mpi(views=[0, 2])[0].files) == 16


def test_a_camera_that_human36m_does_not_have(tmp_path, write_pose_images):
    write_pose_images(tmp_path, cameras=('54138969', '12345678'), images=False)
    with pytest.raises(DatasetError, match='S1_Sitting.12345678: camera 12345678 is none of 5413'):
        read_h36m(tmp_path / 'train.npz', tmp_path / 'cameras.pkl')
    write_pose_images(tmp_path, images=False)
    cameras = pickle.loads((tmp_path / 'cameras.pkl').read_bytes())
    del cameras['S5', '58860488']
    (tmp_path / 'cameras.pkl').write_bytes(pickle.dumps(cameras))
    with pytest.raises(DatasetError, match='no camera S5 58860488 in .*cameras.pkl'):
        read_h36m(tmp_path / 'train.npz', tmp_path / 'cameras.pkl')


def test_the_test_of_3dhp_has_no_vertical(tmp_path, mpi):
    names = array(tmp_path / '3dhp', 'imgname').astype('<U40')
    names[0] = 'TS1_000001.jpg'
    rewrite(tmp_path / '3dhp', imgname=names)
    with pytest.raises(DatasetError, match='sequence TS1: a test recording, whose camera'):
        mpi()
    assert len(mpi(subjects=[5])[0].files) == 12
