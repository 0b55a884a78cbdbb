"""Every figure is written whole, shows something and does not touch pyplot's state."""
import json
import logging
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.image import imread

from mmviewpose.datasets.synthetic import synthetic_clips, synthetic_poses
from mmviewpose.skeletons import get_skeleton
from mmviewpose.visualization import (animate_clip, denoising_figure, draw_skeleton,
                                      embedding_figure, frame_axes, principal_plane, read_scalars,
                                      row_chart, training_curves, transfer_figure)
from mmviewpose.visualization.style import new_figure, replacing, save, shades


@pytest.fixture(scope='module')
def poses():
    return synthetic_poses(3, seed=2)


@pytest.fixture
def log(tmp_path):
    file = tmp_path / 'run' / 'vis_data' / '20260101.json'
    file.parent.mkdir(parents=True)
    lines = [dict(lr=.1, data_time=.1, loss_joint=2. / i, loss_bone=1. / i, loss=3. / i, time=.1,
                  epoch=1, iter=10 * i, memory=0, step=10 * i) for i in range(1, 60)]
    lines += [{'denoise/MPJPE': 50. - i, 'time': .1, 'step': i} for i in range(1, 4)]
    lines += [{'loss': float('nan'), 'lr': .1, 'step': 600, 'iter': 600}]
    file.write_text('\n'.join(map(json.dumps, lines)) + '\n{"loss": 0.')
    return file


def assert_picture(path, min_colors=20, min_ink=.005):
    image = imread(path)[..., :3]
    assert min(image.shape[:2]) > 100
    assert (image.min(axis=-1) < .95).mean() > min_ink
    assert len(np.unique((image.reshape(-1, 3) * 255).astype(int), axis=0)) > min_colors
    assert sorted(p.name for p in path.parent.glob('.writing-*')) == []


def test_denoising_figure(poses, tmp_path):
    corrupted, moved = poses.copy(), np.zeros((3, 17), bool)
    corrupted[:, 6] += 400.
    moved[:, 6] = True
    path = denoising_figure(poses, corrupted, poses + 5., moved, 'ape17', tmp_path / 'a/b/c.png',
                            max_rows=1)
    assert path == tmp_path / 'a/b/c.png'
    assert_picture(path)
    image = imread(path)
    assert image.shape[1] > 1000
    assert 'matplotlib.pyplot' not in sys.modules or not sys.modules[
        'matplotlib.pyplot'].get_fignums()


def test_transfer_figure(poses, tmp_path):
    turned = poses[..., [2, 1, 0]] * np.array([1., 1., -1.])
    assert_picture(transfer_figure(poses, turned, turned, poses, get_skeleton('ape17'),
                                   tmp_path / 'transfer.png', max_rows=1))


def test_draw_skeleton_puts_left_where_it_is(poses):
    figure = new_figure(3, 3)
    ax = figure.add_subplot(projection='3d')
    draw_skeleton(ax, poses[0], 'ape17', highlight=[3])
    frame_axes(ax, poses[0])
    # One rotation to matplotlib's axes: the handedness of the pose is kept.
    drawn = np.array(ax.collections[0]._segments3d)[:, 1]
    child = [c for c, _ in get_skeleton('ape17').bones]
    was = poses[0][child].astype(float)
    gram = [p[1:4] - p[0] for p in (was, drawn)]
    assert np.linalg.det(gram[0]) == pytest.approx(np.linalg.det(gram[1]), rel=1e-4)
    np.testing.assert_allclose(drawn[:, 2], was[:, 1], atol=1e-3)
    # Equal scales: the box has the proportions of the limits.
    spans = np.ptp(np.array([ax.get_xlim(), ax.get_ylim(), ax.get_zlim()]), axis=1)
    ratio = spans / ax._box_aspect
    np.testing.assert_allclose(ratio, ratio[0], rtol=.05)
    with pytest.raises(ValueError, match='ape17'):
        draw_skeleton(ax, poses[0, :5], 'ape17')


def test_training_curves(log, tmp_path):
    train, val = read_scalars(log)
    assert sorted(train) == ['loss', 'loss_bone', 'loss_joint'] and list(val) == ['denoise/MPJPE']
    np.testing.assert_array_equal(val['denoise/MPJPE'], ([1, 2, 3], [49, 48, 47]))
    assert len(train['loss'][0]) == 59
    assert_picture(training_curves(log.parent.parent, tmp_path / 'out' / 'curves.png'))
    assert read_scalars(log.parent)[0].keys() == train.keys()
    with pytest.raises(ValueError, match='loss_typo'):
        training_curves(log, tmp_path / 'no.png', keys=['loss_typo'])
    with pytest.raises(FileNotFoundError):
        training_curves(tmp_path / 'nothing', tmp_path / 'no.png')
    assert not (tmp_path / 'no.png').exists()


def test_row_chart(tmp_path):
    rows = [dict(name='full', metric='top-1 (%)', mean=83.4, std=2., seeds=[82., 84.8], paper=80.3),
            dict(name='raw', metric='top-1 (%)', mean=43.6, std=None, seeds=[43.6], paper=None),
            dict(name='denoise', metric='MPJPE (mm)', mean=28.8)]
    assert_picture(row_chart(rows, tmp_path / 'rows.png', title='N-UCLA'))
    with pytest.raises(ValueError):
        row_chart([], tmp_path / 'rows.png')


def test_embedding(tmp_path):
    rng = np.random.Generator(np.random.PCG64(0))
    features = rng.random((200, 6)) * [9, 3, 1, 1, 1, 1]
    plane, share = principal_plane(features)
    assert plane.shape == (200, 2) and share[0] > share[1] > 0 and share.sum() < 1
    centred = features - features.mean(0)
    assert abs(np.corrcoef(plane[:, 0], centred[:, 0])[0, 1]) > .99
    assert principal_plane(features[:, :1])[0].shape == (200, 2)
    assert_picture(embedding_figure(features, np.arange(200) % 5, ['a', 'b'] * 100,
                                    tmp_path / 'plane.png'))
    with pytest.raises(ValueError):
        embedding_figure(features, [1], None, tmp_path / 'plane.png')
    features[3, 2] = np.nan
    with pytest.raises(ValueError, match='not finite'):
        principal_plane(features)


def test_animation(tmp_path):
    from PIL import Image
    walk, kick = synthetic_clips(2, 9, actions=['walk', 'kick'])
    path = animate_clip(walk.positions, tmp_path / 'gif' / 'two.gif', second=kick.positions,
                        stride=3, dpi=50)
    with Image.open(path) as movie:
        assert movie.n_frames == 3
        frames = []
        for number in range(3):
            movie.seek(number)
            frames.append(np.asarray(movie.convert('L'), dtype=float))
    assert (frames[0] < 200).mean() > .002 and np.abs(frames[0] - frames[2]).max() > 50
    with pytest.raises(ValueError):
        animate_clip(walk.positions, path, second=kick.positions[:4])


def test_failed_writing_leaves_what_was_there(tmp_path):
    path = tmp_path / 'figure.png'
    path.write_text('before')
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        open(temporary, 'w').write('half')
        raise RuntimeError
    assert path.read_text() == 'before' and len(list(tmp_path.iterdir())) == 1
    with pytest.raises(ValueError):
        save(new_figure(1, 1), tmp_path / 'figure.unknown')
    assert len(list(tmp_path.iterdir())) == 1


def test_shades():
    assert shades('#102030', 0.) == '#102030' and shades('#102030', 1.) == '#ffffff'


def test_hook_draws_and_never_fails(log, caplog):
    from mmviewpose.engine.hooks.curves_hook import TrainingCurvesHook
    runner = SimpleNamespace(log_dir=str(log.parent.parent), experiment_name='toy',
                             logger=logging.getLogger('toy'))
    TrainingCurvesHook(keys=['denoise/MPJPE']).after_train(runner)
    assert_picture(log.parent.parent / 'curves.png')
    log.write_text('')
    with caplog.at_level(logging.WARNING, 'toy'):
        TrainingCurvesHook('other.png').after_train(runner)
    assert 'not drawn' in caplog.text and not (log.parent.parent / 'other.png').exists()
