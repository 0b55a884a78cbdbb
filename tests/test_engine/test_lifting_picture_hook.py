import logging
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.image import imread

pytest.importorskip('mmengine')

from mmviewpose.datasets.synthetic import synthetic_clips  # noqa: E402
from mmviewpose.engine.hooks import lifting_picture_hook  # noqa: E402
from mmviewpose.engine.hooks.lifting_picture_hook import liveliest_window  # noqa: E402
from mmviewpose.registry import HOOKS  # noqa: E402
from mmviewpose.skeletons import remap  # noqa: E402


@pytest.fixture(scope='module')
def outputs():
    """Four windows of 8 frames: still, walking, with a glitch and still, and a shorter walk."""
    clip = synthetic_clips(1, 8, actions=['walk'])[0]
    walk = torch.as_tensor(remap(clip.positions, clip.layout, 'h36m17')) * torch.tensor(
        [1., -1., -1.])
    walk = (walk - walk[:, :1]).float()
    still = walk[:1].expand_as(walk)
    glitch = still.clone()
    glitch[4] += 5000.
    target = torch.stack([still, walk, glitch, walk])
    frame_mask = torch.ones(4, 8, dtype=torch.bool)
    frame_mask[3, 2:] = False
    return dict(keypoints=target * torch.tensor([1., 1., .5]), target=target,
                keypoints_2d=400 + .3 * target[..., :2], scores=torch.ones(4, 8, 17),
                frame_mask=frame_mask, index=torch.tensor([10, 11, 12, 13]),
                has_3d=torch.ones(4, dtype=torch.bool), fps=torch.full((4, ), 30.))


@pytest.fixture
def runner(tmp_path):
    return SimpleNamespace(log_dir=str(tmp_path), epoch=1, logger=logging.getLogger('toy'))


def validate(hook, runner, *batches):
    hook.before_val_epoch(runner)
    for number, batch in enumerate(batches):
        hook.after_val_iter(runner, number, None, batch)
    hook.after_val_epoch(runner, {})


def test_the_window_with_motion_is_chosen(outputs):
    window = liveliest_window(outputs)
    assert window['index'] == 11 and window['motion'] > 1
    assert window['target'].shape == (8, 17, 3)
    # never one without 3D
    hidden = dict(outputs, has_3d=torch.tensor([True, False, False, False]))
    assert liveliest_window(hidden)['index'] == 10
    assert liveliest_window(dict(outputs, has_3d=torch.zeros(4, dtype=torch.bool))) is None


def test_what_is_not_a_sequence_is_passed_over(outputs, runner, tmp_path, caplog):
    hook = HOOKS.build(dict(type='LiftingPictureHook', enable=True))
    frames = {key: value[:, 0] if key in ('keypoints', 'target') else value
              for key, value in outputs.items()}
    with caplog.at_level(logging.WARNING, 'toy'):
        validate(hook, runner, [object()], [], None, [dict(keypoints=1)], [frames])
        hook.after_test_iter(runner, 0, None, [object()])
        hook.after_train(runner)
    assert not list(tmp_path.iterdir()) and not caplog.text


def test_pictures_of_validations_and_an_animation(outputs, runner, tmp_path, monkeypatch):
    drawn = []
    import mmviewpose.visualization as visualization
    original = visualization.lifting_figure

    def spy(predictions, **options):
        drawn.append({name: value.copy() for name, value in predictions.items()})
        return original(predictions, **options)

    monkeypatch.setattr(visualization, 'lifting_figure', spy)
    monkeypatch.setattr(lifting_picture_hook, 'FEW_FRAMES', 3)
    hook = HOOKS.build(dict(type='LiftingPictureHook', columns=2))
    halves = [[{key: value[rows] for key, value in outputs.items()}]
              for rows in (slice(0, 2), slice(2, 4))]
    validate(hook, runner, *halves)
    runner.epoch = 4
    better = {'keypoints': outputs['target']}
    validate(hook, runner, *([dict(half[0], **{key: value[rows] for key, value in better.items()})]
                             for half, rows in zip(halves, (slice(0, 2), slice(2, 4)))))
    assert [list(rows) for rows in drawn] == [['epoch 1'], ['epoch 1', 'epoch 4']]
    np.testing.assert_array_equal(drawn[1]['epoch 1'], outputs['keypoints'][1])
    np.testing.assert_array_equal(drawn[1]['epoch 4'], outputs['target'][1])
    assert min(imread(tmp_path / 'lifting.png').shape[:2]) > 300
    hook.after_train(runner)
    from PIL import Image
    with Image.open(tmp_path / 'lifting.gif') as movie:
        assert movie.n_frames == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ['lifting.gif', 'lifting.png']


def test_a_test_draws_where_asked_to(outputs, runner, tmp_path):
    options = dict(type='LiftingPictureHook', animate=False, columns=1, interval=2)
    for enable in (False, True):
        hook = HOOKS.build(dict(options, enable=enable, out_dir=str(tmp_path / 'show')))
        hook.before_test_epoch(runner)
        for number in range(3):
            hook.after_test_iter(runner, number, None, [outputs])
        hook.after_test_epoch(runner, {})
        assert (tmp_path / 'show').exists() == enable
    assert sorted(path.name for path in (tmp_path / 'show').iterdir()) == [
        'test_0000.png', 'test_0002.png']


def test_nothing_ends_a_run(outputs, runner, tmp_path, caplog):
    hook = HOOKS.build(dict(type='LiftingPictureHook', skeleton='ape17x'))
    with caplog.at_level(logging.WARNING, 'toy'):
        validate(hook, runner, [outputs])
        hook.after_train(runner)
        validate(hook, runner, [dict(outputs, frame_mask=3)])
    assert caplog.text.count('was not drawn') == 3 and not list(tmp_path.iterdir())
