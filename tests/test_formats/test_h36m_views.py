import pickle
import runpy
import sys

import numpy as np
import pytest

from mmviewpose.datasets.formats.h36m_views import read_views
from mmviewpose.datasets.formats.views import from_sequences, read_views as read_archive
from mmviewpose.errors import DatasetError

SERIALS = ('54138969', '55011271', '60457274')


def frame_names(action, serial, frames, subject=1):
    name = f'S{subject}_{action}.{serial}'
    return [f'S{subject}/{name}/{name}_{frame:06d}.jpg' for frame in frames]


@pytest.fixture
def tree(tmp_path):
    """A function that writes an .npz and cameras; recordings: (action, serial, frames, ...)."""

    def write(*recordings, edit=lambda arrays: arrays):
        names = [name for recording in recordings for name in frame_names(*recording)]
        rng = np.random.default_rng(0)
        order = rng.permutation(len(names))
        arrays = dict(imgname=np.array(names)[order],
                      S=np.concatenate([rng.normal(size=(len(names), 17, 3)) + [0, 0, 5],
                                        np.ones((len(names), 17, 1))], -1),
                      part=np.concatenate([rng.uniform(0, 1000, (len(names), 17, 2)),
                                           np.ones((len(names), 17, 1))], -1))
        np.savez(tmp_path / 'h36m.npz', **edit(arrays))
        cameras = {('S1', serial): dict(
            R=np.eye(3), T=np.ones((3, 1)), f=np.full((2, 1), 1145. + n),
            c=np.full((2, 1), 512.), k=np.zeros(3), p=np.zeros(2), w=1000, h=1002)
            for n, serial in enumerate(SERIALS)}
        (tmp_path / 'cameras.pkl').write_bytes(pickle.dumps(cameras))
        return tmp_path / 'h36m.npz', tmp_path / 'cameras.pkl', arrays

    return write


def row_of(arrays, action, serial, frame):
    return arrays['imgname'].tolist().index(frame_names(action, serial, [frame])[0])


def test_cameras_of_an_action_are_views_of_a_clip(tree):
    path, cameras, arrays = tree(('Walking', SERIALS[0], [1, 6, 11]),
                                 ('Walking', SERIALS[1], [1, 6, 11]),
                                 ('Walking_1', SERIALS[0], [1, 6]))
    first, second, third = read_views(path, cameras)
    assert [(s.clip, s.view) for s in (first, second, third)] == [
        ('S1_Walking', SERIALS[0]), ('S1_Walking', SERIALS[1]), ('S1_Walking_1', SERIALS[0])]
    rows = [row_of(arrays, 'Walking', SERIALS[1], frame) for frame in (1, 6, 11)]
    np.testing.assert_allclose(second.positions, arrays['S'][rows, :, :3] * 1000, rtol=1e-6)
    np.testing.assert_allclose(second.keypoints, arrays['part'][rows, :, :2], rtol=1e-6)
    assert (second.scores == 1).all() and second.fps == 10. and second.layout == 'h36m17'
    assert second.intrinsics == (1146., 1146., 512., 512.)
    assert tuple(second.image_size) == (1000, 1002)
    assert third.labels == dict(subject=1, action='Walking', subaction=1)
    assert first.labels['subaction'] == 0
    assert from_sequences([first, second, third]).labels['subject'].tolist() == [1, 1, 1]


def test_only_frames_that_all_cameras_have_are_kept(tree):
    def edit(arrays):
        arrays['S'][row_of(arrays, 'Walking', SERIALS[1], 16), 3, 3] = 0  # a joint not visible
        return arrays

    path, cameras, arrays = tree(('Walking', SERIALS[0], [1, 6, 11, 16, 21]),
                                 ('Walking', SERIALS[1], [6, 11, 16, 21, 26]), edit=edit)
    views = list(read_views(path, cameras))
    assert [(s.clip, s.view) for s in views] == [
        (f'S1_Walking@{first:06d}', serial) for first in (6, 21) for serial in SERIALS[:2]]
    for sequence, frames in zip(views, ((6, 11), (6, 11), (21, ), (21, ))):
        rows = [row_of(arrays, 'Walking', sequence.view, frame) for frame in frames]
        np.testing.assert_allclose(sequence.keypoints, arrays['part'][rows, :, :2], rtol=1e-6)
    assert from_sequences(views).lengths.tolist() == [2, 2, 1, 1]
    path, cameras, _ = tree(('Walking', SERIALS[0], [1, 6]), ('Walking', SERIALS[1], [11, 16]))
    with pytest.raises(DatasetError, match=r'h36m.npz: sequence S1_Walking: no frame .*2.*2'):
        list(read_views(path, cameras))


def test_a_gap_in_time_begins_a_new_clip(tree):
    frames = [1, 6, 11, 26, 31, 36, 38]
    path, cameras, arrays = tree(*[('Walking', serial, frames) for serial in SERIALS[:2]])
    views = list(read_views(path, cameras))
    assert [s.clip for s in views] == [f'S1_Walking@{n:06d}' for n in (1, 1, 26, 26, 38, 38)]
    assert all(s.fps == 10. and s.labels['action'] == 'Walking' for s in views)
    rows = [row_of(arrays, 'Walking', SERIALS[1], frame) for frame in (26, 31, 36)]
    np.testing.assert_allclose(views[3].positions, arrays['S'][rows, :, :3] * 1000, rtol=1e-6)


def test_detections_take_the_place_of_the_labels(tree, tmp_path):
    path, cameras, arrays = tree(('Walking', SERIALS[0], [1, 6]), ('Walking', SERIALS[1], [1, 6]))
    found = np.random.default_rng(1).uniform(1, 900, (4, 17, 3))
    found[..., 2] = np.linspace(-.2, 1.2, 4 * 17).reshape(4, 17)
    np.save(tmp_path / 'det.npy', found)
    for sequence in read_views(path, cameras, tmp_path / 'det.npy'):
        rows = [row_of(arrays, 'Walking', sequence.view, frame) for frame in (1, 6)]
        scores = found[rows, :, 2].clip(0, 1)
        np.testing.assert_allclose(sequence.scores, scores, rtol=1e-6)
        np.testing.assert_allclose(sequence.keypoints,
                                   found[rows, :, :2] * (scores > 0)[..., None], rtol=1e-6)
    found[row_of(arrays, 'Walking', SERIALS[1], 6), 5, 0] = np.nan
    np.save(tmp_path / 'det.npy', found)
    with pytest.raises(DatasetError, match='det.npy: sequence S1_Walking.55011271: frame 6: .*fi'):
        list(read_views(path, cameras, tmp_path / 'det.npy'))
    np.save(tmp_path / 'det.npy', found[:3])
    with pytest.raises(DatasetError, match=r'det.npy: detections must be \(4, 17, 3\)'):
        list(read_views(path, cameras, tmp_path / 'det.npy'))
    (tmp_path / 'det.npy').write_bytes(b'short')
    with pytest.raises(DatasetError, match='det.npy: not a readable'):
        list(read_views(path, cameras, tmp_path / 'det.npy'))
    with pytest.raises(DatasetError, match='absent.npy: no such file'):
        list(read_views(path, cameras, tmp_path / 'absent.npy'))


def test_what_else_is_refused(tree):
    path, cameras, _ = tree(('Walking', '11111111', [1]))
    with pytest.raises(DatasetError, match='S1_Walking.11111111: no camera S1 11111111'):
        list(read_views(path, cameras))
    path, cameras, _ = tree(('Walking', SERIALS[0], [1]),
                            edit=lambda arrays: {k: arrays[k] for k in ('imgname', 'S')})
    with pytest.raises(DatasetError, match="h36m.npz: no array 'part'.*detections"):
        list(read_views(path, cameras))
    path, cameras, _ = tree(('Walking', SERIALS[0], [1]), edit=lambda arrays: dict(
        arrays, part=arrays['part'] * np.nan))
    with pytest.raises(DatasetError, match='S1_Walking.54138969: frame 1: a value is not finite'):
        list(read_views(path, cameras))


def test_the_converter(tree, monkeypatch, capsys, root):
    path, cameras, _ = tree(('Walking', SERIALS[0], [1, 6]), ('Walking', SERIALS[1], [1, 6]))
    out = path.parent / 'views.npz'
    tool = str(root / 'tools/dataset_converters/views.py')
    monkeypatch.setattr(sys, 'argv', ['views', 'h36m', str(path), str(out), '--cameras',
                                      str(cameras)])
    runpy.run_path(tool, run_name='__main__')
    assert '1 clips, 2 views, 4 frames, 2 views with 3D, layout h36m17' in capsys.readouterr().out
    assert len(read_archive(out)) == 2
    monkeypatch.setattr(sys, 'argv', ['views', 'h36m', str(path), str(out), '--cameras',
                                      str(path.parent / 'none.pkl')])
    with pytest.raises(SystemExit):
        runpy.run_path(tool, run_name='__main__')
    assert 'none.pkl' in capsys.readouterr().err
