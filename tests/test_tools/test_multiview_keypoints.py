"""Two cameras' files to a training set: the whole converter."""
import json

import numpy as np
import pytest
import torch

pytest.importorskip('mmpose')
from mmviewpose.datasets.datasets import MultiviewClipDataset  # noqa: E402
from mmviewpose.datasets.formats.views import read_views  # noqa: E402
from mmviewpose.functional.image_motion import resample  # noqa: E402

LIFTER = '''
default_scope = 'mmviewpose'
model = dict(
    type='SequenceLifter',
    backbone=dict(type='TemporalConvBackbone', stem_channels=8, kernel_sizes=(3, 3)),
    head=dict(type='PlaneHead', in_channels=8))
test_dataloader = dict(dataset=dict(type='MultiviewClipDataset', num_frames=50))
'''


@pytest.fixture(scope='module')
def tool(load_tool):
    return load_tool('dataset_converters/multiview_keypoints.py')


@pytest.fixture(scope='module')
def filmed(load_tool):
    """12 s of one person in h36m17 at 30 fps, seen by two cameras 90 degrees apart."""
    rate = load_tool('analysis/synchronisation_rate.py')
    takes = rate.human_paced_people()
    torch.manual_seed(0)
    return rate.film([takes[10][1][:360]] * 2, 90.)


def write_camera(folder, view, start=0., frames=240, fps=30.):
    """What mmpose's inferencer writes of a view (h36m17) from a second on, at a frame rate."""
    folder.mkdir(parents=True)
    keypoints, scores = resample(*view, start * 30 + np.arange(frames) * 30 / fps)
    content = [dict(frame_id=n, instances=[] if not s.any() else [
        dict(keypoints=k.tolist(), keypoint_scores=s.tolist())])
        for n, (k, s) in enumerate(zip(keypoints, scores))]
    (folder / 'video.json').write_text(json.dumps(content))
    return str(folder)


@pytest.fixture
def convert(tool, tmp_path, capsys):
    """Run the tool: gives its exit code, what it printed, and its warnings or error."""

    def run(*arguments):
        capsys.readouterr()
        try:
            code = tool.main([*map(str, arguments), '--source-layout', 'h36m17',
                              '--image-size', '1000x1000'])
        except SystemExit as e:
            code = e.code
        return (code, *capsys.readouterr())

    return run


def test_offset_and_rates_are_found_and_the_data_set_reads_it(convert, filmed, tmp_path):
    front = write_camera(tmp_path / 'front', filmed[0], 1., 240)
    side = write_camera(tmp_path / 'side', filmed[1], 1.6, 200, fps=25.)
    out = tmp_path / 'jump.npz'
    code, said, warned = convert(front, side, out, '--fps', '30,25')
    assert code == 0 and warned == '' and 'clear' in said
    found = float(said.split('side begins ')[1].split(' s')[0])
    assert found == pytest.approx(.6, abs=1 / 30)
    archive = read_views(out)
    assert archive.clips.tolist() == ['jump'] * 2 and archive.views.tolist() == ['front', 'side']
    assert archive.fps.tolist() == [25., 25.] and archive.lengths[0] == archive.lengths[1] > 180
    # Where both are seen they are seen at one moment: frame 0 of `side`, but for the estimate.
    truth, sure = resample(*filmed[0], (1.6 + np.arange(180) / 25) * 30)
    both = (sure > .3) & (archive.scores[:180] > .3)
    apart = np.linalg.norm(truth - archive.keypoints[:180], axis=-1)[both]
    assert np.median(apart) < 5
    assert (tmp_path / 'jump_synchronisation' / 'jump_front_side.png').stat().st_size > 10000
    batch = MultiviewClipDataset([dict(ann_file=str(out))], num_frames=60).__getitems__([0, 1])
    assert batch['keypoints_2d'].shape == (2, 60, 17, 2) and batch['view'].tolist() == [0, 1]


def test_an_offset_that_is_given(convert, filmed, tmp_path):
    front = write_camera(tmp_path / 'front', filmed[0], 1., 100)
    side = write_camera(tmp_path / 'side', filmed[1], .5, 150)
    out = tmp_path / 'out.npz'
    assert convert(front, side, out, '--offset=0,-.5')[0] == 0
    archive = read_views(out)
    assert archive.lengths.tolist() == [100, 100]
    np.testing.assert_array_equal(archive.keypoints[:100], filmed[0][0][30:130])
    np.testing.assert_array_equal(archive.keypoints[100:], filmed[1][0][30:130])
    # Clocks that agree: recordings of different length are cut to the time that both cover.
    assert convert(front, side, out, '--no-sync')[0] == 0
    assert read_views(out).lengths.tolist() == [100, 100]
    assert not list(tmp_path.glob('out_synchronisation/*'))


def test_folders_of_clips(convert, filmed, tmp_path):
    for camera, view in zip(('front', 'side'), filmed):
        for clip, start in (('jump', 0.), ('walk', 2.)):
            write_camera(tmp_path / camera / clip, view, start, 90)
    out = tmp_path / 'out.npz'
    assert convert(tmp_path / 'front', tmp_path / 'side', out, '--no-sync')[0] == 0
    assert read_views(out).clips.tolist() == ['jump', 'jump', 'walk', 'walk']
    (tmp_path / 'side' / 'walk').rename(tmp_path / 'side' / 'run')
    code, _, error = convert(tmp_path / 'front', tmp_path / 'side', out, '--no-sync')
    assert code == 1 and "has no clip 'run'" in error


def test_standing_still_is_refused_and_nothing_written(convert, filmed, tmp_path):
    cameras = []
    for name, (keypoints, scores) in zip(('front', 'side'), filmed):
        still = np.repeat(keypoints[:1], 200, 0), np.repeat(scores[:1], 200, 0)
        cameras.append(write_camera(tmp_path / name, still, frames=200))
    out = tmp_path / 'out.npz'
    code, _, error = convert(*cameras, out)
    assert code == 1 and error.count('\n') == 1 and not out.exists()
    assert 'front and side cannot be synchronised: the person hardly moves' in error
    assert 'give --offset' in error
    code, said, error = convert(*cameras, out, '--skip-unclear')
    assert code == 1 and 'left out' in said and 'nothing is written' in error


def test_a_motion_that_repeats_is_warned_of(convert, filmed, tmp_path):
    cameras = []
    for name, (keypoints, scores) in zip(('front', 'side'), filmed):
        loop = np.r_[np.arange(15, 40), np.arange(40, 15, -1)]
        loop = np.tile(loop, 6)
        cameras.append(write_camera(tmp_path / name, (keypoints[loop], scores[loop]), frames=240))
    out = tmp_path / 'out.npz'
    code, said, warned = convert(*cameras, out)
    assert code == 0 and 'not clear' in said and 'the motion repeats' in warned
    assert (tmp_path / 'out_synchronisation').is_dir()
    out.unlink()
    assert convert(*cameras, out, '--skip-unclear')[0] == 1 and not out.exists()


def test_cameras_on_one_line_are_warned_of(convert, load_tool, tmp_path):
    rate = load_tool('analysis/synchronisation_rate.py')
    torch.manual_seed(1)
    views = rate.film([rate.human_paced_people()[10][1][:200]] * 2, 178.)
    cameras = [write_camera(tmp_path / name, view, frames=200) for name, view in zip('ab', views)]
    code, _, warned = convert(*cameras, tmp_path / 'out.npz', '--no-sync')
    assert code == 0 and 'a and b: the cameras look at each other' in warned


class TestLifter:

    @pytest.fixture
    def lifter(self, tmp_path):
        from mmengine.config import Config

        from mmviewpose.registry import MODELS
        config, checkpoint = tmp_path / 'lifter.py', tmp_path / 'lifter.pth'
        config.write_text(LIFTER)
        torch.manual_seed(0)
        model = MODELS.build(Config.fromfile(str(config)).model)
        torch.save(dict(state_dict=model.state_dict()), checkpoint)
        return config, checkpoint

    def test_recordings_of_any_length(self, lifter, filmed):
        from mmviewpose.apis import lift_recording, load_lifter
        loaded = load_lifter(*lifter)
        assert (loaded.num_frames, loaded.skeleton) == (50, 'h36m17')
        for frames in (20, 50, 120):
            poses = lift_recording(loaded, filmed[0][0][:frames], filmed[0][1][:frames],
                                   (1000, 1000))
            assert poses.shape == (frames, 17, 3) and np.isfinite(poses).all()
            assert not poses[:, 0].any() and poses.std() > 1.
        with pytest.raises(ValueError, match='h36m17 needs key points'):
            lift_recording(loaded, filmed[0][0][:, :5], filmed[0][1][:, :5], (1000, 1000))

    def test_tells_the_angle(self, convert, lifter, filmed, tmp_path):
        cameras = [write_camera(tmp_path / name, view, frames=120)
                   for name, view in zip('ab', filmed)]
        out = tmp_path / 'out.npz'
        code, said, _ = convert(*cameras, out, '--no-sync', '--lifter', *lifter)
        assert code == 0 and 'a and b: about' in said and out.exists()
        lifter[1].write_bytes(b'no checkpoint')
        code, _, error = convert(*cameras, out, '--no-sync', '--lifter', *lifter)
        assert code == 1 and 'not a readable checkpoint' in error
        lifter[0].write_text("model = dict(type='SeBiReNetLifter')")
        code, _, error = convert(*cameras, out, '--no-sync', '--lifter', *lifter)
        assert code == 1 and 'must be a SequenceLifter' in error

    def test_warns_by_the_angle_between_predictions(self, tool, filmed, monkeypatch):
        """A lifter that knows the truth, of cameras at 180 degrees."""
        rng = np.random.default_rng(0)
        truth = rng.normal(size=(30, 17, 3)).astype(np.float32)
        predicted = iter([truth, truth * np.array([-1, 1, -1], np.float32)])
        monkeypatch.setattr(tool, 'lift_recording', lambda *_: next(predicted))
        views = [tool.ViewSequence(np.ones((30, 17, 2)), np.ones((30, 17)), 'clip', name, 30.,
                                   (1000, 1000), 'h36m17') for name in 'ab']
        line, = tool.angle_warnings(views, object())
        assert 'about 180 degrees' in line


class TestRefused:

    @pytest.fixture
    def cameras(self, filmed, tmp_path):
        return [write_camera(tmp_path / name, view, frames=120)
                for name, view in zip(('front', 'side'), filmed)]

    @pytest.mark.parametrize('options, problem', [
        (['--offset=0,1,2'], '--offset needs 2 values, got 3'),
        (['--offset=0,3.5'], 'the cameras share only 0.5 s'),
        (['--fps', '30,25,30'], '--fps needs one value, or 2'),
        (['--max-offset', '0'], 'must be positive'),
        (['--target-fps', '0'], 'must be positive'),
        (['--fps', '30,0'], 'must be positive'),
        (['--max-offset', '3'], 'too short to search'),
        (['--format', 'alphapose'], "'image_id' is missing")])
    def test_options(self, convert, cameras, tmp_path, options, problem):
        code, _, error = convert(*cameras, tmp_path / 'out.npz', *options)
        assert code == 1 and problem in error and not (tmp_path / 'out.npz').exists()

    def test_one_view_only(self, convert, cameras, tmp_path):
        code, _, error = convert(cameras[0], tmp_path / 'out.npz')
        assert code == 1 and 'at least two cameras' in error

    def test_no_file_to_write(self, convert, cameras):
        code, _, error = convert(*cameras)
        assert code == 1 and 'ends in .npz' in error or 'at least two' in error

    def test_a_layout_that_lacks_joints(self, tool, tmp_path, filmed, capsys):
        front = write_camera(tmp_path / 'front', filmed[0], frames=60)
        with pytest.raises(SystemExit):
            tool.main([front, front, str(tmp_path / 'out.npz'), '--source-layout', 'h36m17',
                       '--layout', 'coco17', '--no-sync'])
        assert 'cannot be mapped to coco17: it has no' in capsys.readouterr().err

    def test_a_camera_that_sees_nobody(self, convert, cameras, filmed, tmp_path):
        empty = write_camera(tmp_path / 'empty', (filmed[0][0], 0 * filmed[0][1]), frames=60)
        code, _, error = convert(cameras[0], empty, tmp_path / 'out.npz', '--no-sync')
        assert code == 1 and 'empty: no key point has a score above 0' in error


def test_names_and_lists(tool):
    assert tool.camera_names(['a/predictions', 'b/video.json']) == ['a', 'video']
    assert tool.camera_names(['x/cam', 'y/cam']) == ['camera1', 'camera2']
    assert tool.each(None, 2, '--fps') == [None, None] and tool.each([5], 2, '--fps') == [5, 5]
