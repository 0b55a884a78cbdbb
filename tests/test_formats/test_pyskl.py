import os
import pickle

import numpy as np
import pytest

from mmviewpose.datasets.formats import pyskl
from mmviewpose.errors import DatasetError

NAME = 'S001C002P003R002A013'


def annotation(seed=0, people=2, frames=5, name=NAME, **changes):
    rng = np.random.default_rng(seed)
    keypoint = rng.normal(size=(people, frames, 25, 3)).astype(np.float16)
    keypoint[1:] = 0  # padding
    return {**dict(frame_dir=name, label=12, total_frames=frames, keypoint=keypoint), **changes}


def test_read_3d(pyskl_file):
    a, b = annotation(0), annotation(1, name='walk_01')
    a['keypoint'][0, 3] = 0
    path = pyskl_file([a, b], dict(xsub_train=[NAME], xsub_val=['walk_01']))
    first, second = pyskl.read_folder(path)
    np.testing.assert_allclose(first.positions, a['keypoint'][0].astype(np.float32) * 1000)
    assert first.valid.tolist() == [True, True, True, False, True]
    assert (first.name, first.layout, first.up, first.fps) == (NAME, 'ntu25', '+y', 30.)
    assert first.labels['label'] == 12 and first.labels['action'] == 13
    assert (first.labels['in_xsub_train'], first.labels['in_xsub_val']) == (1, 0)
    assert second.labels == dict(label=12, in_xsub_train=0, in_xsub_val=1)


def test_all_bodies_leave_out_padding(pyskl_file):
    a = annotation(0, people=3)
    a['keypoint'][2] = a['keypoint'][0] * 3
    clips = pyskl.read_file(pyskl_file([a]), bodies='all')
    assert [(c.name, c.labels['body']) for c in clips] == [(NAME + '_0', 0), (NAME + '_1', 1)]
    np.testing.assert_allclose(clips[1].positions, a['keypoint'][0].astype(np.float32) * 1000)


def test_read_2d(pyskl_file):
    rng = np.random.default_rng(0)
    a = dict(frame_dir='v', label=3, img_shape=(320, 570),
             keypoint=rng.normal(size=(1, 4, 17, 2)).astype(np.float32),
             keypoint_score=rng.random((1, 4, 17)).astype(np.float16))
    path = pyskl_file([a])
    out, = pyskl.read_annotations(path)
    np.testing.assert_array_equal(out.keypoints, a['keypoint'])
    assert out.scores.shape == (1, 4, 17) and out.image_shape == (320, 570)
    with pytest.raises(DatasetError, match=r'sequence v: layout coco17 needs 17 key points in 3D'):
        pyskl.read_file(path, layout='coco17')


@pytest.mark.parametrize('changes, message', [
    (dict(keypoint=np.zeros((2, 5, 25))), r'keypoint must be \(M, T, V, 2 or 3\)'),
    (dict(keypoint=np.zeros((1, 0, 25, 3))), 'no people or no frames'),
    (dict(keypoint=np.zeros((1, 5, 20, 3))), 'needs 25 key points'),
    (dict(keypoint=np.zeros((1, 5, 25, 3))), 'every frame is all zero'),
    (dict(keypoint=np.full((1, 5, 25, 3), np.nan)), 'every frame is all zero or not finite'),
    (dict(keypoint_score=np.zeros((2, 5, 17))), 'keypoint_score has shape'),
])
def test_broken_annotations_are_named(pyskl_file, changes, message):
    with pytest.raises(DatasetError, match=f'annotations.pkl: sequence {NAME}: .*{message}'):
        pyskl.read_folder(pyskl_file([annotation(**changes)]))


def test_annotation_without_keypoints(pyskl_file):
    with pytest.raises(DatasetError, match="sequence v: no 'keypoint'"):
        pyskl.read_folder(pyskl_file([dict(frame_dir='v', label=0)]))


def test_broken_files(tmp_path, pyskl_file):
    path = pyskl_file([annotation()])
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DatasetError, match='not a readable pickle'):
        pyskl.read_folder(path)
    with pytest.raises(DatasetError, match='no annotations'):
        pyskl.read_folder(pyskl_file([]))
    path.write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(DatasetError, match='annotations.pkl: not '):
        pyskl.read_folder(path)
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DatasetError, match=r'holds no \*\.pkl'):
        pyskl.read_folder(tmp_path / 'empty')


class Harmful:

    def __reduce__(self):
        return os.mkdir, ('harm',)


def test_pickles_that_are_more_than_data_are_refused(pyskl_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = pyskl_file([annotation(extra=Harmful())])
    with pytest.raises(DatasetError, match='mkdir, which is not plain data'):
        pyskl.read_folder(path)
    assert not (tmp_path / 'harm').exists()


@pytest.mark.parametrize('core', ['core', '_core'])
@pytest.mark.parametrize('protocol', [2, 4])
def test_pickles_of_either_numpy_are_read(tmp_path, core, protocol):
    data = dict(annotations=[annotation()], number=np.float32(3))
    blob = pickle.dumps(data, protocol=protocol)
    if protocol == 2:  # in later protocols the length stands before the name
        blob = blob.replace(b'numpy._core.', b'numpy.core.').replace(b'numpy.core.',
                                                                   f'numpy.{core}.'.encode())
    path = tmp_path / 'a.pkl'
    path.write_bytes(blob)
    assert len(pyskl.read_file(path)) == 1
