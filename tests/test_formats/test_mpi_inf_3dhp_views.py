import pickle

import numpy as np
import pytest

from mmviewpose.datasets.formats.mpi_inf_3dhp_views import read_views
from mmviewpose.datasets.formats.views import from_sequences, read_views as read_archive
from mmviewpose.errors import DatasetError

CAMERAS = ('Cam0', 'Cam8')


def frame_names(recording, frames):
    return [f'{recording}_{frame:06d}.jpg' for frame in frames]


@pytest.fixture
def tree(tmp_path):
    """A function that writes an .npz whose 2D is the 3D seen by the cameras it writes."""

    def write(*recordings, edit=lambda arrays: arrays):
        names = [name for recording in recordings for name in frame_names(*recording)]
        rng = np.random.default_rng(0)
        names = np.array(names)[rng.permutation(len(names))]
        points = rng.normal(scale=[.9, .9, .3], size=(len(names), 17, 3)) + [0, 0, 4]
        f, c = np.array([1500., 1490.]), np.array([1020., 560.])
        image = points[..., :2] / points[..., 2:] * f + c
        visible = ((image >= 0) & (image < 2048)).all(-1, keepdims=True)  # as mmpose has it
        np.savez(tmp_path / '3dhp.npz', **edit(dict(
            imgname=names, S=np.concatenate([points, visible], -1),
            part=np.concatenate([image, visible], -1))))
        camera = dict(f=f[:, None], c=c[:, None])
        posed = dict(camera, R=np.eye(3), T=np.zeros((3, 1)), w=2048., h=204.)
        known = {f'S4_Seq2_{name}': posed for name in CAMERAS}
        known['TS6'] = dict(camera, w=1920, h=1080)
        (tmp_path / 'cameras.pkl').write_bytes(pickle.dumps(known))
        return tmp_path / '3dhp.npz', tmp_path / 'cameras.pkl', dict(
            zip(names.tolist(), zip(points, image)))

    return write


def test_cameras_of_a_sequence_are_views_of_a_clip(tree):
    path, cameras, truth = tree(('S4_Seq2_Cam0', [1, 2, 3, 7, 8]), ('S4_Seq2_Cam8', [2, 3, 7, 8]))
    views = list(read_views(path, cameras, outside=True))
    assert [(s.clip, s.view) for s in views] == [
        (f'S4_Seq2@{n:06d}', camera) for n in (2, 7) for camera in CAMERAS]
    for sequence, frames in zip(views, ([2, 3], [2, 3], [7, 8], [7, 8])):
        rows = [truth[name] for name in frame_names(f'S4_Seq2_{sequence.view}', frames)]
        np.testing.assert_allclose(sequence.positions, [p * 1000 for p, _ in rows], rtol=1e-5)
        np.testing.assert_allclose(sequence.keypoints, [image for _, image in rows], rtol=1e-5)
        assert tuple(sequence.image_size) == (2048, 2048) and sequence.fps == 25.
    # 3D, intrinsics and image points belong together
    f, c = np.split(np.array(views[0].intrinsics), 2)
    seen = views[0].positions[..., :2] / views[0].positions[..., 2:] * f + c
    np.testing.assert_allclose(seen, views[0].keypoints, atol=1e-2)
    assert views[0].labels == dict(split='train', subject=4, sequence='S4_Seq2')
    assert from_sequences(views).lengths.tolist() == [2, 2, 2, 2]


def test_joints_outside_the_own_picture_are_not_seen_unless_asked(tree):
    path, cameras, truth = tree(('TS6', range(1, 9)))
    sequence, = read_views(path, cameras)
    image = np.array([truth[name][1] for name in frame_names('TS6', range(1, 9))])
    inside = ((image >= 0) & (image < [1920, 1080])).all(-1)
    in_mmpose = ((image >= 0) & (image < 2048)).all(-1)
    assert (in_mmpose & ~inside).any() and inside.any()
    np.testing.assert_array_equal(sequence.scores, inside)
    np.testing.assert_allclose(sequence.keypoints, image * inside[..., None], rtol=1e-5)
    assert (sequence.view, tuple(sequence.image_size)) == ('test', (1920, 1080))
    sequence, = read_views(path, cameras, outside=True)
    assert (sequence.scores == 1).all()
    np.testing.assert_allclose(sequence.keypoints, image, rtol=1e-5)


def test_activities_cut_and_invalid_frames_are_unseen(tree, tmp_path):
    path, cameras, _ = tree(('TS6', range(1, 7)))
    np.savez(tmp_path / 'a.npz', TS6_activity=[1, 1, 1, 6, 6, 6], TS6_valid=[1, 0, 1, 1, 1, 1])
    first, second = read_views(path, cameras, activities=tmp_path / 'a.npz', outside=True)
    assert [s.clip for s in (first, second)] == ['TS6@000001', 'TS6@000004']
    assert [s.labels['activity'] for s in (first, second)] == ['Standing-Walking', 'Sports']
    assert first.scores[:, 0].tolist() == [1, 0, 1] and (first.keypoints[1] == 0).all()
    from_sequences([first, second])


def test_detections_take_the_place_of_the_labels(tree, tmp_path):
    path, cameras, _ = tree(('TS6', [1, 2]))
    names = np.load(path)['imgname'].tolist()
    found = np.random.default_rng(1).uniform(1, 900, (2, 17, 3))
    found[..., 2] = np.linspace(-.2, 1.2, 34).reshape(2, 17)
    np.save(tmp_path / 'det.npy', found)
    sequence, = read_views(path, cameras, tmp_path / 'det.npy')
    rows = [names.index(name) for name in frame_names('TS6', [1, 2])]
    scores = found[rows, :, 2].clip(0, 1)
    np.testing.assert_allclose(sequence.scores, scores, rtol=1e-6)
    np.testing.assert_allclose(sequence.keypoints, found[rows, :, :2] * (scores > 0)[..., None],
                               rtol=1e-6)
    found[rows[1], 5, 0] = np.nan
    np.save(tmp_path / 'det.npy', found)
    with pytest.raises(DatasetError, match='det.npy: sequence TS6: frame 2: .*finite'):
        list(read_views(path, cameras, tmp_path / 'det.npy'))
    np.save(tmp_path / 'det.npy', found[:1])
    with pytest.raises(DatasetError, match=r'det.npy: detections must be \(2, 17, 3\)'):
        list(read_views(path, cameras, tmp_path / 'det.npy'))


def test_frames_without_3d_are_left_out(tree):
    def edit(arrays):
        arrays['S'][arrays['imgname'].tolist().index('TS6_000002.jpg'), 3, 1] = np.inf
        return arrays

    path, cameras, _ = tree(('TS6', [1, 2, 3]), edit=edit)
    assert [len(s) for s in read_views(path, cameras)] == [2]
    path, cameras, _ = tree(('TS6', [1]), edit=lambda arrays: dict(arrays, S=arrays['S'] * np.nan))
    with pytest.raises(DatasetError, match='sequence TS6: no frame with all joints'):
        list(read_views(path, cameras))


def test_what_else_is_refused(tree):
    path, cameras, _ = tree(('S4_Seq1_Cam0', [1]))
    with pytest.raises(DatasetError, match='S4_Seq1_Cam0: no camera S4_Seq1_Cam0 in .*cameras'):
        list(read_views(path, cameras))
    path, cameras, _ = tree(('TS6', [1]), edit=lambda arrays: {k: arrays[k]
                                                               for k in ('imgname', 'S')})
    with pytest.raises(DatasetError, match="3dhp.npz: no array 'part'.*detections"):
        list(read_views(path, cameras))
    path, cameras, _ = tree(('TS6', [3]), edit=lambda arrays: dict(arrays,
                                                                   part=arrays['part'] * np.nan))
    with pytest.raises(DatasetError, match='3dhp.npz: sequence TS6: frame 3: a value is not fini'):
        list(read_views(path, cameras))
    path, cameras, _ = tree(('S4_Seq2_Cam0', [1]), ('S4_Seq2_Cam8', [2]))
    with pytest.raises(DatasetError, match='S4_Seq2: no frame .*Cam0: 1, Cam8: 1'):
        list(read_views(path, cameras))


def test_the_converter(tree, load_tool, capsys):
    tool = load_tool('dataset_converters/views.py')
    path, cameras, _ = tree(('S4_Seq2_Cam0', [1, 2]), ('S4_Seq2_Cam8', [1, 2]))
    out = path.parent / 'views.npz'
    tool.main(['mpi_inf_3dhp', str(path), str(out), '--cameras', str(cameras)])
    assert '1 clips, 2 views, 4 frames, 2 views with 3D, layout mpi_inf_3dhp17' in \
        capsys.readouterr().out
    tool.main(['mpi_inf_3dhp', str(path), str(out), '--cameras', str(cameras), '--layout',
               'h36m17', '--outside'])
    assert read_archive(out).layout == 'h36m17'
    for more, message in ((['--cameras', f'{cameras},{cameras}'], '1 files but 2 of cameras'),
                          (['--cameras', 'none.pkl'], 'none.pkl')):
        with pytest.raises(SystemExit):
            tool.main(['mpi_inf_3dhp', str(path), str(out), *more])
        error = capsys.readouterr().err
        assert message in error and len(error.splitlines()) == 1
