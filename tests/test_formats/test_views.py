from dataclasses import replace

import numpy as np
import pytest

from mmviewpose.datasets.formats.view_layout import remap_scores, view_to_layout
from mmviewpose.datasets.formats.views import (ViewSequence, check_archive, from_sequences,
                                               read_views, write_views)
from mmviewpose.errors import DatasetError
from mmviewpose.skeletons import get_skeleton, remap


def view(clip='walk', name='left', frames=4, seed=0, layout='h36m17', **changes):
    rng = np.random.default_rng(seed)
    joints = get_skeleton(layout).num_joints
    made = ViewSequence(rng.uniform(0, 500, (frames, joints, 2)).astype(np.float32),
                        rng.random((frames, joints)).astype(np.float32), clip, name, 30.,
                        (640, 480), layout)
    return replace(made, **changes)


def test_what_is_written_is_read(tmp_path):
    poses = np.random.default_rng(1).normal(size=(4, 17, 3)).astype(np.float32)
    sequences = [
        view('walk', 'right', seed=1, intrinsics=(900, 901, 320, 240), positions=poses,
             labels=dict(subject=3, action='walk')),
        view('jump', 'left', frames=2, seed=2, labels=dict(subject=4)),
        view('walk', 'left', seed=3)]
    write_views(tmp_path / 'new' / 'a.npz', sequences)
    archive = read_views(tmp_path / 'new' / 'a.npz')
    assert archive.clips.tolist() == ['jump', 'walk', 'walk']
    assert archive.views.tolist() == ['left', 'left', 'right']
    assert archive.lengths.tolist() == [2, 4, 4] and archive.starts.tolist() == [0, 2, 6]
    assert archive.labelled.tolist() == [False, False, True]
    assert archive.labels['subject'].tolist() == [4, -1, 3]
    assert archive.labels['action'].tolist() == ['', '', 'walk']
    np.testing.assert_array_equal(archive.positions[6:], poses)
    assert np.isnan(archive.positions[:6]).all() and np.isnan(archive.intrinsics[:2]).all()
    np.testing.assert_array_equal(archive.intrinsics[2], [900, 901, 320, 240])
    for row, source in ((0, 1), (1, 2), (2, 0)):
        frames = slice(archive.starts[row], archive.starts[row] + archive.lengths[row])
        np.testing.assert_array_equal(archive.keypoints[frames], sequences[source].keypoints)
        np.testing.assert_array_equal(archive.scores[frames], sequences[source].scores)
    assert archive.keypoints.dtype == np.float32 and len(archive) == 3


@pytest.mark.parametrize('other, message', [
    (view('walk', 'right', frames=5), r'sequence walk: views of different lengths \(left: 4, '
                                      r'right: 5\).*multiview_keypoints.py'),
    (view('walk', 'right', fps=25.), r'sequence walk: views of different frame rates'),
    (view('walk', 'left', seed=1), 'sequence walk: a view comes twice'),
    (view('run', layout='coco17'), 'one layout'),
])
def test_views_that_do_not_fit_are_refused(other, message):
    with pytest.raises(DatasetError, match=message):
        from_sequences([view('walk', 'left'), other])


@pytest.mark.parametrize('key, value', [('scores', 1.2), ('scores', -.1), ('scores', np.nan),
                                        ('keypoints', np.inf), ('positions', np.nan)])
def test_a_bad_value_is_found(tmp_path, key, value):
    bad = view('walk', 'right', seed=1, positions=np.zeros((4, 17, 3), np.float32))
    getattr(bad, key)[3, 2] = value
    with pytest.raises(DatasetError, match=r'walk \(right\): frame 3.*not finite, or a score'):
        write_views(tmp_path / 'a.npz', [view('walk', 'left'), bad])
    assert not list(tmp_path.iterdir()), 'nothing is left behind'


def test_one_nan_in_the_first_frame_does_not_hide_the_3d():
    poses = np.zeros((4, 17, 3), np.float32)
    poses[0, 5, 1] = np.nan
    with pytest.raises(DatasetError, match=r'walk \(right\): frame 0.*not finite'):
        from_sequences([view('walk', 'left'), view('walk', 'right', seed=1, positions=poses)])


@pytest.mark.parametrize('changes, message', [
    (dict(keypoints=np.zeros((4, 16, 2))), r'keypoints of h36m17 must be \(4, 17, 2\), got '
                                           r'\(4, 16, 2\)'),
    (dict(scores=np.zeros((3, 17))), r'scores of h36m17 must be \(4, 17\), got \(3, 17\)'),
    (dict(positions=np.zeros((4, 17, 2))), 'positions of h36m17 must be'),
    (dict(fps=0.), r'fps must be positive, got \[0.0\]'),
    (dict(image_size=(640, np.nan)), 'image_sizes must be positive'),
])
def test_a_sequence_that_does_not_fit_is_named(changes, message):
    bad = replace(view('run', 'left'), **changes)
    with pytest.raises(DatasetError, match=r'run \(left\): ' + message):
        from_sequences([view('walk', 'left'), bad])


def test_nothing_to_write(tmp_path):
    with pytest.raises(DatasetError, match='no sequences'):
        write_views(tmp_path / 'a.npz', [])


def test_broken_archives_are_refused(tmp_path):
    path = tmp_path / 'a.npz'
    with pytest.raises(DatasetError, match='a.npz: no such file'):
        read_views(path)
    write_views(path, [view()])
    whole = path.read_bytes()
    path.write_bytes(whole[:len(whole) // 2])
    with pytest.raises(DatasetError, match='a.npz.*truncated'):
        read_views(path)
    np.savez(path, format=np.array('something-else'))
    with pytest.raises(DatasetError, match='mmviewpose-views-1'):
        read_views(path)
    np.savez(path, format=np.array('mmviewpose-views-1'), keypoints=np.zeros((1, 17, 2)))
    with pytest.raises(DatasetError, match="no 'scores'"):
        read_views(path)


@pytest.mark.parametrize('changes, message', [
    (dict(scores=np.zeros((8, 16), np.float32)), 'scores must be'),
    (dict(lengths=np.array([4, 5])), 'lengths must be positive and sum'),
    (dict(lengths=np.array([8, 0])), 'lengths must be positive and sum'),
    (dict(labels=dict(subject=np.zeros(3))), 'label subject'),
    (dict(layout='nobody7'), 'nobody7'),
])
def test_arrays_that_do_not_fit_each_other(changes, message):
    archive = from_sequences([view('walk', 'left'), view('walk', 'right')])
    with pytest.raises(DatasetError, match='x.npz: .*' + message):
        check_archive(replace(archive, **changes), 'x.npz')


def test_views_of_a_clip_stand_side_by_side():
    archive = from_sequences([view('a', 'left'), view('a', 'right'), view('b', 'left')])
    with pytest.raises(DatasetError, match='sequence a: .*side by side'):
        check_archive(replace(archive, clips=np.array(['a', 'b', 'a'])))


def test_to_another_layout():
    poses = np.random.default_rng(0).normal(size=(4, 17, 3)).astype(np.float32)
    source = view(layout='coco17', positions=poses)
    coco, h36m = get_skeleton('coco17'), get_skeleton('h36m17')
    source.scores[0, coco.index('left_hip')] = 0
    mapped = view_to_layout(source, 'h36m17')
    assert mapped.layout == 'h36m17' and view_to_layout(mapped, 'h36m17') is mapped
    np.testing.assert_array_equal(mapped.positions, remap(poses, 'coco17', 'h36m17'))
    wrists = [(s.index('right_wrist')) for s in (coco, h36m)]
    np.testing.assert_array_equal(mapped.keypoints[:, wrists[1]], source.keypoints[:, wrists[0]])
    np.testing.assert_array_equal(mapped.scores[:, wrists[1]], source.scores[:, wrists[0]])
    # the pelvis is made of both hips: the lower score, and not seen where one is not
    pelvis, hips = h36m.root, [coco.index('left_hip'), coco.index('right_hip')]
    np.testing.assert_array_equal(mapped.scores[:, pelvis], source.scores[:, hips].min(1))
    assert mapped.scores[0, pelvis] == 0 and (mapped.keypoints[0, pelvis] == 0).all()
    np.testing.assert_allclose(mapped.keypoints[1, pelvis], source.keypoints[1, hips].mean(0),
                               rtol=1e-6)
    assert from_sequences([mapped]).layout == 'h36m17'
    with pytest.raises(ValueError, match='no .*head_top|no pelvis|has no'):
        view_to_layout(view(layout='h36m17'), 'coco17')
    assert remap_scores(np.ones((2, 17)), 'coco17', 'h36m17').shape == (2, 17)
