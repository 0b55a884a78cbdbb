import logging
from types import SimpleNamespace

import numpy as np
import pytest
import torch

pytest.importorskip('mmengine')

from mmviewpose import visualization  # noqa: E402
from mmviewpose.engine.hooks.pose_images_hook import PoseImagesHook, SomeMoments  # noqa: E402
from mmviewpose.registry import HOOKS  # noqa: E402

PICTURES = {'poses.png', 'embedding.png'}


def runner_of(folder):
    metainfo = dict(skeleton='ape17', subjects=[1, 2], views=[1, 2, 3],
                    label_names=dict(action=['bow', 'walk']))
    loader = SimpleNamespace(dataset=SimpleNamespace(metainfo=metainfo))
    return SimpleNamespace(log_dir=str(folder), val_dataloader=loader, test_dataloader=loader,
                           iter=8, epoch=2, logger=logging.getLogger('pictures'))


def rows_of(moments, views):
    """All moments seen by camera 1, then all seen by camera 2, ...; an image says what it is."""
    torch.manual_seed(0)
    instant, view = torch.arange(moments).repeat(views), torch.arange(views).add(1)
    view = view.repeat_interleave(moments)
    target = torch.randn(moments, 17, 3)[instant] * 100
    inputs = (10 * instant + view).to(torch.uint8)[:, None, None, None].expand(-1, 3, 8, 8)
    return inputs, dict(
        embedding=torch.randn(len(view), 4), keypoints=target + view[:, None, None], target=target,
        instant=instant, view=view, subject=instant % 2 + 1, action=instant % 2)


def validate(hook, runner, inputs, found, batch=5):
    for number, start in enumerate(range(0, len(inputs), batch)):
        rows = slice(start, start + batch)
        hook.after_val_iter(runner, number, dict(inputs=inputs[rows]),
                            [{key: value[rows] for key, value in found.items()}])
    hook.after_val_epoch(runner)


def files(folder):
    return {path.name for path in folder.iterdir()}


def test_pictures_of_a_validation(tmp_path, caplog):
    hook = HOOKS.build(dict(type='PoseImagesHook', moments=1, views=2))
    runner = runner_of(tmp_path)
    validate(hook, runner, *rows_of(4, 2))
    assert files(tmp_path) == PICTURES
    assert all(path.stat().st_size > 2000 for path in tmp_path.iterdir())
    assert not [entry for entry in caplog.records if entry.levelno >= logging.WARNING]
    hook.before_val_epoch(runner)
    assert hook.empty and not hook.embeddings.kept     # begins afresh


@pytest.fixture
def calls(monkeypatch):
    made = {}
    for name in ('pose_images_figure', 'embedding_figure'):
        monkeypatch.setattr(visualization, name, lambda *args, name=name: made.update(
            {name: args}))
    return made


def test_what_is_drawn(tmp_path, calls):
    inputs, found = rows_of(20, 3)
    validate(PoseImagesHook(moments=3, views=2), runner_of(tmp_path), inputs, found)
    images, poses, target, skeleton, _, names, heads, title = calls['pose_images_figure']
    assert images.shape == (3, 2, 3, 8, 8) and skeleton == 'ape17' and '(epoch 2)' in title
    assert names == [['camera 1', 'camera 3']] * 3
    instants = images[:, 0, 0, 0, 0].astype(int) // 10
    assert (np.diff(instants) > 0).all()
    np.testing.assert_array_equal(images[:, :, 0, 0, 0], 10 * instants[:, None] + [1, 3])
    np.testing.assert_array_equal(target, found['target'][instants])
    np.testing.assert_allclose(poses - target[:, None], np.broadcast_to(
        np.array([1., 3.])[:, None, None], poses.shape), atol=1e-4)
    assert heads == [f'{("bow", "walk")[n % 2]}, subject {n % 2 + 1}' for n in instants]
    features, subjects, cameras, _, kinds, _ = calls['embedding_figure']
    assert kinds == ('subject', 'camera') and len(features) == 60
    assert subjects == found['subject'].tolist() and cameras == found['view'].tolist()


def test_the_same_moments_whatever_the_batches(tmp_path, calls):
    shown = []
    for batch in (3, 60):
        validate(PoseImagesHook(), runner_of(tmp_path), *rows_of(20, 3), batch=batch)
        shown.append(calls['pose_images_figure'][0])
    np.testing.assert_array_equal(*shown)


def test_without_a_pose_head_and_labels(tmp_path, calls):
    inputs, found = rows_of(4, 2)
    for key in ('keypoints', 'subject', 'action'):
        del found[key]
    validate(PoseImagesHook(), runner_of(tmp_path), inputs, found)
    assert calls['pose_images_figure'][1] is None and calls['pose_images_figure'][6] is None
    assert calls['embedding_figure'][2] is None and calls['embedding_figure'][4] == ('camera', )


def test_words_colour_the_embedding(tmp_path, calls):
    validate(PoseImagesHook(label='action'), runner_of(tmp_path), *rows_of(4, 2))
    assert calls['embedding_figure'][1] == ['bow', 'walk'] * 4


def test_tests_draw_when_asked(tmp_path, calls):
    inputs, found = rows_of(4, 2)
    for enable in (False, True):
        hook, runner = PoseImagesHook(enable=enable, out_dir='out'), runner_of(tmp_path)
        hook.before_test_epoch(runner)
        hook.after_test_iter(runner, 0, dict(inputs=inputs), [found])
        hook.after_test_epoch(runner)
        assert bool(calls) == enable
    assert str(calls['pose_images_figure'][4].parent) == 'out'


@pytest.mark.parametrize('data, outputs', [
    (None, None), ({}, []), ({}, [3]), ({}, [dict(keypoints=torch.zeros(2))]),
    (None, [rows_of(2, 2)[1]]), (dict(inputs=torch.zeros(4, 7)), [rows_of(2, 2)[1]]),
    (dict(inputs=torch.zeros(3, 3, 8, 8)), [rows_of(2, 2)[1]])])
def test_other_outputs_are_passed_over(data, outputs, tmp_path):
    hook, runner = PoseImagesHook(), runner_of(tmp_path)
    hook.after_val_iter(runner, 0, data, outputs)
    hook.after_val_epoch(runner)
    assert hook.empty and not list(tmp_path.iterdir())


def test_a_picture_that_fails_is_a_warning(tmp_path, caplog):
    inputs, found = rows_of(3, 2)
    found['keypoints'] = found['keypoints'][:, :5]
    with caplog.at_level(logging.WARNING):
        validate(PoseImagesHook(), runner_of(tmp_path), inputs, found)
    assert 'a picture was not drawn: ValueError: poses must be' in caplog.text
    assert files(tmp_path) == {'embedding.png'}


def test_what_is_kept_is_bounded_and_whole():
    order, some = torch.randperm(3000, generator=torch.Generator().manual_seed(0)), SomeMoments(8)
    for rows in order.split(100):
        some.offer(dict(instant=rows % 1000, view=rows // 1000, images=rows[:, None] * 1.))
    instants, count = some.kept['instant'].unique(return_counts=True)
    assert len(instants) == 8 and (count == 3).all()
    assert torch.equal(some.kept['images'][:, 0], 1000. * some.kept['view'] + some.kept['instant'])
    assert instants.diff().max() < 3 * 1000 / 8     # evenly over the data


def test_moments_that_few_cameras_saw():
    some = SomeMoments(8)
    instant, view = torch.tensor([5, 5, 6, 7, 7, 5, 7]), torch.tensor([2, 1, 1, 3, 2, 3, 3])
    some.offer(dict(instant=instant, view=view, images=torch.arange(7)))
    for views, expected in ((3, [[1, 2, 3]]), (2, [[1, 3], [2, 3]])):
        rows = some.groups(4, views)
        assert some.kept['view'][rows].tolist() == expected
    assert some.kept['images'][some.groups(4, 2)].tolist() == [[1, 5], [4, 3]]
