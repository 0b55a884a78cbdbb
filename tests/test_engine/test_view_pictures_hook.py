import logging
from types import SimpleNamespace

import numpy as np
import pytest
import torch

pytest.importorskip('mmengine')

from mmengine.registry import DefaultScope  # noqa: E402

from mmviewpose import visualization  # noqa: E402
from mmviewpose.engine.hooks import ViewPicturesHook  # noqa: E402
from mmviewpose.engine.hooks.pictures_hook import EvenSample, label_words  # noqa: E402
from mmviewpose.registry import MODELS  # noqa: E402

AFTER_VALIDATION = {'views.png', 'turning.png', 'embedding.png'}
PICTURES = {*AFTER_VALIDATION, 'turning.gif'}


@pytest.fixture(scope='module')
def model():
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmviewpose'):
        return MODELS.build(dict(
            type='ViewAutoEncoder',
            pose_encoder=dict(type='PoseImageEncoder', image_size=48, num_points=5, width=2,
                              hidden=(8, )),
            view_encoder=dict(type='ViewpointEncoder', image_size=48, channels=(2, 2), hidden=4),
            decoder=dict(type='PoseImageDecoder', image_size=48, num_points=5, width=2))).eval()


def runner_of(model, folder, words=True):
    metainfo = dict(label_names={'action': ['bow', 'walk']} if words else {})
    loader = SimpleNamespace(dataset=SimpleNamespace(metainfo=metainfo))
    return SimpleNamespace(model=model, log_dir=str(folder), val_dataloader=loader, iter=8,
                           epoch=2, test_dataloader=loader, logger=logging.getLogger('pictures'))


def outputs_of(model, count, shifted=True, **labels):
    inputs = dict(images=torch.randint(256, (count, 2, 3, 48, 48), dtype=torch.uint8))
    if shifted:
        inputs['shifted'] = inputs['images']
    with torch.no_grad():
        return model(inputs, labels, mode='predict')


def files(folder):
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize('words', [True, False])
def test_pictures_of_a_validation(model, words, tmp_path, caplog):
    hook, runner = ViewPicturesHook(moments=2, turned=1), runner_of(model, tmp_path, words)
    labels = dict(action=torch.tensor([0, 1, 1]), camera=torch.tensor([[1, 2]] * 3))
    for number in range(3):
        hook.after_val_iter(runner, number, None, outputs_of(model, 3, **labels))
    hook.after_val_epoch(runner)
    assert files(tmp_path) == AFTER_VALIDATION
    hook.after_train(runner)
    assert files(tmp_path) == PICTURES
    assert all(path.stat().st_size > 2000 for path in tmp_path.iterdir())
    assert not [entry for entry in caplog.records if entry.levelno >= logging.WARNING]
    hook.before_val_epoch(runner)
    assert not hook.shown.kept and not hook.poses.kept   # begins afresh


def test_what_is_drawn(model, tmp_path, monkeypatch):
    calls = {}
    for name in ('view_images_figure', 'turning_pose_figure', 'embedding_figure'):
        monkeypatch.setattr(visualization, name, lambda *args, name=name, **given:
                            calls.update({name: (args, given)}))
    hook, runner = ViewPicturesHook(moments=2, turned=2), runner_of(model, tmp_path)
    found = [outputs_of(model, 2, action=torch.tensor([0, n % 2]),
                        camera=torch.tensor([[2, 3]] * 2)) for n in range(4)]
    for number, outputs in enumerate(found):
        hook.after_val_iter(runner, number, None, outputs)
    hook.after_val_epoch(runner)
    rows, path, views, moments, title = calls['view_images_figure'][0]
    first, last = found[0][0], found[3][0]
    assert [name.split('\n')[0] for name in rows] == [
        'input', 'reconstruction', 'swapped', 'shifted input', 'reconstruction']
    np.testing.assert_array_equal(list(rows.values())[2],
                                  torch.stack([first['swapped'][0], last['swapped'][1]]))
    assert (views, moments) == (['camera 2', 'camera 3'], ['bow', 'walk'])
    assert '(epoch 2)' in title
    (points, _), given = calls['turning_pose_figure']
    assert given['names'] == ['bow\nseen by camera 2', 'walk\nseen by camera 2']
    expected = model.turn(first['pose'][:1, 0], first['viewpoint'][:1, 0], torch.tensor([0., 45.]))
    np.testing.assert_allclose(points[0], expected[0][0, 0].detach(), atol=1e-6)
    np.testing.assert_allclose(given['images'][0, :2], expected[1][0].detach(), atol=1e-5)
    np.testing.assert_array_equal(given['inputs'][1], last['images'][1, 0])
    poses, actions, cameras = calls['embedding_figure'][0][:3]
    np.testing.assert_allclose(poses[:4], first['pose'].flatten(0, 1).flatten(1), atol=1e-6)
    assert actions[:8].tolist() == ['bow'] * 6 + ['walk'] * 2
    assert cameras[:4].tolist() == [2, 3, 2, 3]


def test_without_labels_and_shifted_images(model, tmp_path):
    hook, runner = ViewPicturesHook(), runner_of(model, tmp_path)
    hook.after_val_iter(runner, 0, None, outputs_of(model, 3, shifted=False))
    hook.after_val_epoch(runner)
    assert files(tmp_path) == AFTER_VALIDATION


def test_more_actions_than_colours(model, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(visualization, 'embedding_figure', lambda *args: calls.append(args))
    hook, runner = ViewPicturesHook(), runner_of(model, tmp_path, words=False)
    action = torch.tensor([*range(30), *range(5, 17)])
    hook.after_val_iter(runner, 0, None, outputs_of(model, len(action), action=action))
    hook.after_val_epoch(runner)
    (poses, actions, cameras, *_, title), = calls
    assert sorted(set(actions)) == list(range(5, 17)) and len(poses) == len(cameras) == 48
    assert '12 of 30 kinds of action' in title


def test_tests_draw_when_asked(model, tmp_path):
    runner, found = runner_of(model, tmp_path / 'log'), outputs_of(model, 2)
    for hook in (ViewPicturesHook(), ViewPicturesHook(enable=True, out_dir=str(tmp_path / 'out'))):
        hook.before_test_epoch(runner)
        hook.after_test_iter(runner, 0, None, found)
        hook.after_test_epoch(runner)
    assert files(tmp_path) == {'out'}
    assert files(tmp_path / 'out') == PICTURES


@pytest.mark.parametrize('outputs', [None, [], [dict(keypoints=torch.zeros(2))], [3]])
def test_other_outputs_are_passed_over(model, outputs, tmp_path):
    hook, runner = ViewPicturesHook(), runner_of(model, tmp_path)
    hook.after_val_iter(runner, 0, None, outputs)
    hook.after_val_epoch(runner)
    hook.after_train(runner)
    assert not list(tmp_path.iterdir())


def test_training_without_validation_ends_well(model, tmp_path):
    runner = SimpleNamespace(model=model, log_dir=str(tmp_path))    # has no val_dataloader
    ViewPicturesHook().after_train(runner)
    assert not list(tmp_path.iterdir())


def test_the_model_is_left_as_it_was(model, tmp_path):
    hook, runner = ViewPicturesHook(), runner_of(model, tmp_path)
    hook.after_val_iter(runner, 0, None, outputs_of(model, 2))
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model.train()
    try:
        hook.after_train(runner)
        assert model.training and all(part.training for part in model.decoder.modules())
    finally:
        model.eval()
    for key, value in model.state_dict().items():
        torch.testing.assert_close(value, before[key], rtol=0, atol=0)


def test_a_picture_that_fails_is_a_warning(model, tmp_path, caplog):
    hook, runner = ViewPicturesHook(), runner_of(model, tmp_path)
    hook.after_val_iter(runner, 0, None, outputs_of(model, 2))
    for moment in hook.shown.kept:
        moment['swapped'] = torch.zeros(1, 3)
    with caplog.at_level(logging.WARNING):
        hook.after_val_epoch(runner)
    assert 'a picture was not drawn: ' in caplog.text
    assert files(tmp_path) == AFTER_VALIDATION - {'views.png'}


@pytest.mark.parametrize('length', [0, 1, 7, 8, 100, 1000])
def test_even_sample_of_a_stream(length):
    sample, made = EvenSample(4), []
    for number in range(length):
        sample.offer(lambda number=number: made.append(number) or number)
    step = sample.step
    assert sample.kept == list(range(0, length, step)) and len(sample.kept) < 8
    assert len(sample.kept) >= min(length, 4) and len(made) <= 4 * len(sample.kept) + 8 * 8


def test_what_is_kept_is_bounded(model, tmp_path):
    hook, runner = ViewPicturesHook(), runner_of(model, tmp_path)
    found = outputs_of(model, 130)
    for number in range(40):
        hook.after_val_iter(runner, number, None, found)
    assert len(hook.shown.kept) <= 15 and len(hook.shown.kept[0]['images']) == 1
    assert len(hook.poses.kept[0]['pose']) <= 64
    assert hook.shown.kept[0]['images'].untyped_storage().nbytes() < 1e5    # not the batch's


def test_words_of_labels():
    assert label_words(object(), 'action') == ()
    words = SimpleNamespace(metainfo=dict(label_names=dict(action=['a']), classes=['b']))
    assert label_words(words, 'action') == ['a'] and label_words(words, 'label') == ['b']
    assert label_words(words, 'style') == ()
