import logging
from types import SimpleNamespace

import pytest
import torch

pytest.importorskip('mmengine')

from mmengine.registry import DefaultScope  # noqa: E402

from mmviewpose.engine.hooks import ViewPicturesHook  # noqa: E402
from mmviewpose.registry import MODELS  # noqa: E402

PICTURES = {'views.png', 'turning.png', 'turning.gif', 'embedding.png'}


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
    return SimpleNamespace(model=model, log_dir=str(folder), val_dataloader=loader,
                           test_dataloader=loader, logger=logging.getLogger('pictures'))


def outputs_of(model, count, shifted=True, **labels):
    inputs = dict(images=torch.randint(256, (count, 2, 3, 48, 48), dtype=torch.uint8))
    if shifted:
        inputs['shifted'] = inputs['images']
    with torch.no_grad():
        return model(inputs, labels, mode='predict')


@pytest.mark.parametrize('words', [True, False])
def test_pictures_of_a_validation(model, words, tmp_path, caplog):
    hook, runner = ViewPicturesHook(moments=2, turned=1), runner_of(model, tmp_path, words)
    labels = dict(action=torch.tensor([0, 1, 1]), camera=torch.tensor([[1, 2]] * 3))
    for number in range(3):
        hook.after_val_iter(runner, number, None, outputs_of(model, 3, **labels))
    hook.after_val_epoch(runner)
    assert {path.name for path in tmp_path.iterdir()} == PICTURES
    assert all(path.stat().st_size > 2000 for path in tmp_path.iterdir())
    assert not [entry for entry in caplog.records if entry.levelno >= logging.WARNING]
    assert not hook.kept and not hook.poses  # the next validation begins afresh


def test_without_labels_and_shifted_images(model, tmp_path):
    hook, runner = ViewPicturesHook(), runner_of(model, tmp_path)
    hook.after_val_iter(runner, 0, None, outputs_of(model, 3, shifted=False))
    hook.after_val_epoch(runner)
    assert {path.name for path in tmp_path.iterdir()} == PICTURES


def test_tests_draw_when_asked(model, tmp_path):
    runner, found = runner_of(model, tmp_path / 'log'), outputs_of(model, 2)
    for hook in (ViewPicturesHook(), ViewPicturesHook(enable=True, out_dir=str(tmp_path / 'out'))):
        hook.after_test_iter(runner, 0, None, found)
        hook.after_test_epoch(runner)
    assert [path.name for path in tmp_path.iterdir()] == ['out']
    assert {path.name for path in (tmp_path / 'out').iterdir()} == PICTURES


@pytest.mark.parametrize('outputs', [None, [], [dict(keypoints=torch.zeros(2))], [3]])
def test_other_outputs_are_passed_over(model, outputs, tmp_path):
    hook, runner = ViewPicturesHook(), runner_of(model, tmp_path)
    hook.after_val_iter(runner, 0, None, outputs)
    hook.after_val_epoch(runner)
    assert not list(tmp_path.iterdir())


def test_a_picture_that_fails_is_a_warning(model, tmp_path, caplog):
    hook, runner = ViewPicturesHook(), runner_of(model, tmp_path)
    hook.after_val_iter(runner, 0, None, outputs_of(model, 2))
    hook.kept[0]['images'] = torch.zeros(3)
    with caplog.at_level(logging.WARNING):
        hook.after_val_epoch(runner)
    assert 'a picture was not drawn: ' in caplog.text
    assert {path.name for path in tmp_path.iterdir()} == PICTURES - {'views.png'}
