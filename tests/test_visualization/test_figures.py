"""Every figure is written whole, shows something and does not touch pyplot's state."""
import json
import logging
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.image import imread

from mmviewpose.datasets.synthetic import synthetic_clips, synthetic_poses
from mmviewpose.errors import UserError
from mmviewpose.files import atomic_path
from mmviewpose.skeletons import get_skeleton, remap
from mmviewpose.visualization import (Seen, animate_clip, animate_lifting, curves,
                                      denoising_figure, draw_skeleton, embedding_figure,
                                      frame_axes, lifting_figure, principal_plane, read_scalars,
                                      row_chart, training_curves, transfer_figure, tsne_plane,
                                      views_chart)
from mmviewpose.visualization.style import new_figure, save, shades


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


def test_what_is_no_loss_has_a_panel_of_its_own(log, tmp_path, monkeypatch):
    lines = [{'loss': 2. / i, 'loss_cls': 1., 'critic_loss': .1, 'top1_acc': .1 * i,
              'factor/swap_loss': .5, 'step': i, 'iter': i} for i in (1, 2)]
    log.write_text('\n'.join(map(json.dumps, [*lines, {'acc/top1': .5, 'step': 1}])))
    figures = []
    monkeypatch.setattr(curves, 'save', lambda figure, path: figures.append(figure) or path)
    training_curves(log, tmp_path / 'curves.png')
    axes = figures[0].axes
    assert sorted(ax.get_title(loc='left') for ax in axes) == [
        'training losses', 'training: factor/swap_loss', 'training: top1_acc',
        'validation: acc/top1']
    assert {line.get_label() for line in axes[0].lines} >= {'cls', 'critic_loss', 'total'}


def test_rates_of_several_optimizers_are_no_curves(log):
    entry = {f'{part}.{what}': .1 for part in ('lifter', 'critic')
             for what in ('lr', 'base_lr', 'grad_norm')}
    lines = [dict(entry, loss=2. / i, critic_loss=.1, step=i, iter=i) for i in (1, 2)]
    lines += [{'val/PA-MPJPE': 50., 'legs.error': 3., 'critic.lr': .1, 'step': 2}]
    log.write_text('\n'.join(map(json.dumps, lines)))
    train, val = read_scalars(log)
    assert sorted(train) == ['critic_loss', 'loss']
    assert sorted(val) == ['legs.error', 'val/PA-MPJPE']


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
    with pytest.raises(ValueError, match="one of .*got 'umap'"):
        embedding_figure(features, np.arange(200), None, tmp_path / 'plane.png', method='umap')
    features[3, 2] = np.nan
    with pytest.raises(ValueError, match='not finite'):
        principal_plane(features)


def test_neighbours_stay_together_by_tsne(tmp_path):
    random = np.random.RandomState(0)
    group = np.arange(90) % 3
    features = 10. * np.eye(8)[group] + .1 * random.randn(90, 8)
    plane = tsne_plane(features)
    distance = np.linalg.norm(plane[:, None] - plane, axis=-1) + 1e9 * np.eye(90)
    assert (group[distance.argmin(1)] == group).all()
    np.testing.assert_array_equal(plane, tsne_plane(features))
    assert tsne_plane(features[:4]).shape == (4, 2)
    assert_picture(embedding_figure(features, group, None, tmp_path / 'tsne.png', method='tsne'))


def test_tsne_says_what_it_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, 'sklearn.manifold', None)
    with pytest.raises(UserError, match='scikit-learn'):
        tsne_plane(np.eye(4))


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
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
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


# ---------------------------------------------------------------------------------------
# Lifting


@pytest.fixture(scope='module')
def lifted():
    """A clip in a camera's axes, two predictions of it, and what was seen."""
    clip = synthetic_clips(1, 12, actions=['walk'])[0]
    target = remap(clip.positions, clip.layout, 'h36m17') * [1., -1., -1.]
    target = target - target[:, :1]
    scores = np.ones(target.shape[:2])
    scores[3:6, 4] = 0.
    points = 400. + .3 * target[..., :2] * np.sign(scores)[..., None]
    predictions = dict(plain=target * [1., 1., .5], better=target * [1., 1., .9])
    return predictions, target, Seen(points, scores)


def drawn_texts(figure):
    return [text.get_text() for ax in figure.axes for text in ax.texts]


@pytest.fixture
def figures(monkeypatch):
    """The figures that lifting_figure makes."""
    made = []

    def remembered(*size):
        made.append(new_figure(*size))
        return made[-1]

    monkeypatch.setattr('mmviewpose.visualization.lifting.new_figure', remembered)
    return made


def test_lifting_figure(lifted, tmp_path, figures):
    predictions, target, seen = lifted
    counted = np.arange(12) < 9
    path = lifting_figure(predictions, target, tmp_path / 'lift' / 'rows.png', seen=seen,
                          frame_mask=counted, columns=3, fps=30.)
    assert path == tmp_path / 'lift' / 'rows.png'
    assert_picture(path)
    # the error on top of each pose is that of its frame: 3 moments among the 9 frames that count
    shown = [1, 4, 7]
    expected = [f'{np.linalg.norm(predictions[name][t] - target[t], axis=-1).mean():.0f} mm'
                for name in ('plain', 'better') for t in shown]
    assert drawn_texts(figures[0]) == expected
    seen_panels, cells, chart = figures[0].axes[:3], figures[0].axes[3:9], figures[0].axes[9]
    # of the frame in which the left hip was not seen, its two bones are missing
    bones = [len(ax.collections[0].get_segments()) for ax in seen_panels]
    assert bones == [16, 14, 16]
    assert all(ax.yaxis_inverted() for ax in seen_panels)
    # upright: what has a small image y is high up
    drawn = np.array(cells[0].collections[0]._segments3d)[:, 1]
    child = [c for c, _ in get_skeleton('h36m17').bones]
    np.testing.assert_allclose(drawn[:, 2], -target[1][child][:, 1], atol=1e-3)
    errors = np.linalg.norm(predictions['plain'] - target, axis=-1).mean(-1)
    np.testing.assert_allclose(chart.lines[0].get_ydata()[:9], errors[:9])
    assert np.isnan(chart.lines[0].get_ydata()[9:]).all()


def test_lifting_figure_of_one_method_and_few_frames(lifted, tmp_path, figures):
    predictions, target, _ = lifted
    assert_picture(lifting_figure(predictions['plain'][:2], target[:2], tmp_path / 'one.png'))
    assert len(drawn_texts(figures[0])) == 2  # both frames, not six times the same


def test_lifting_figure_refuses_what_does_not_fit(lifted, tmp_path):
    predictions, target, seen = lifted
    path = tmp_path / 'no.png'
    with pytest.raises(ValueError, match=r"prediction 'plain' must be \(11, 17, 3\)"):
        lifting_figure(predictions, target[:11], path)
    with pytest.raises(ValueError, match='scores must be'):
        lifting_figure(predictions, target, path, seen=seen._replace(scores=seen.scores[0]))
    with pytest.raises(ValueError, match='no frame that counts'):
        lifting_figure(predictions, target, path, frame_mask=np.zeros(12, bool))
    assert not path.exists()


@pytest.mark.parametrize('methods', [1, 2])
def test_lifting_animation(lifted, tmp_path, methods):
    from PIL import Image
    predictions, target, seen = lifted
    path = animate_lifting(predictions['plain'] if methods == 1 else predictions, target,
                           tmp_path / 'lift.gif', seen=seen if methods == 1 else None,
                           frame_mask=np.arange(12) < 8, stride=4, dpi=40)
    with Image.open(path) as movie:
        assert movie.n_frames == 2  # of the 8 that count
        first = np.asarray(movie.convert('L'), dtype=float)
        movie.seek(1)
        assert np.abs(first - np.asarray(movie.convert('L'), dtype=float)).max() > 50


def test_views_chart(tmp_path):
    rows = [dict(metric=metric, method=method, views=views, mean=70. - 10 * views, std=1.,
                 seeds=[69. - 10 * views, 71. - 10 * views], paper=60. if views == 2 else None)
            for metric in ('MPJPE mm', 'PA-MPJPE mm') for method in ('with', 'without')
            for views in (1, 2, 4)]
    assert_picture(views_chart(rows, tmp_path / 'views.png'))
    assert_picture(views_chart([dict(metric='MPJPE mm', views=2, mean=3.)], tmp_path / 'one.png'))
    with pytest.raises(ValueError, match='number of views'):
        views_chart([*rows, dict(name='none', metric='MPJPE mm', mean=3.)], tmp_path / 'no.png')
    with pytest.raises(ValueError, match='no rows'):
        views_chart([], tmp_path / 'no.png')
