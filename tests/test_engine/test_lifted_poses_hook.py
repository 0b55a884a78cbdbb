import logging
from types import SimpleNamespace

import pytest
import torch
from matplotlib.image import imread

from mmviewpose.datasets.synthetic import synthetic_poses
from mmviewpose.engine.hooks.lifted_poses_hook import some_poses
from mmviewpose.registry import HOOKS


@pytest.fixture
def outputs():
    target = torch.as_tensor(synthetic_poses(12, seed=0))
    target = target - target[:, :1]
    return dict(keypoints=target * torch.tensor([1., 1., .5]), target=target,
                keypoints_2d=target[..., :2])


@pytest.fixture
def runner(tmp_path):
    return SimpleNamespace(log_dir=str(tmp_path), epoch=1, iter=10,
                           logger=logging.getLogger('toy'))


def validate(hook, runner, outputs):
    hook.after_val_iter(runner, 0, None, [outputs])
    hook.after_val_iter(runner, 1, None, [{}])
    hook.after_val_epoch(runner, {})


def test_poses_are_chosen_evenly(outputs):
    found = some_poses([outputs], 4)
    assert torch.equal(found['target'], outputs['target'][[0, 3, 7, 11]])
    assert len(some_poses([outputs], 50)['keypoints']) == 12


def test_each_validation_is_drawn_beside_the_first(outputs, runner, tmp_path):
    hook = HOOKS.build(dict(type='LiftedPosesHook', columns=3))
    validate(hook, runner, outputs)
    once = imread(tmp_path / 'lifted.png').shape
    runner.epoch = 2
    validate(hook, runner, outputs)
    twice = imread(tmp_path / 'lifted.png').shape
    assert list(hook.first) == ['epoch 1']
    assert twice[0] > once[0] and abs(twice[1] - once[1]) <= 2


def test_tests_are_drawn_where_asked(outputs, runner, tmp_path):
    hook = HOOKS.build(dict(type='LiftedPosesHook', enable=True, interval=2, columns=2))
    for number in range(3):
        hook.after_test_iter(runner, number, None, [outputs])
    assert sorted(path.name for path in tmp_path.glob('*.png')) == ['test_0000.png',
                                                                    'test_0002.png']


def test_other_outputs_are_passed_over(outputs, runner, tmp_path, caplog):
    hook = HOOKS.build(dict(type='LiftedPosesHook', enable=True))
    for other in ({}, dict(outputs, keypoints=outputs['keypoints'][:, None])):
        hook.after_test_iter(runner, 0, None, [other])
        validate(hook, runner, other)
    hook.after_test_iter(runner, 0, None, None)
    assert not list(tmp_path.glob('*.png'))


def test_a_picture_that_fails_is_a_warning(outputs, runner, caplog):
    hook = HOOKS.build(dict(type='LiftedPosesHook', skeleton='ntu25'))
    validate(hook, runner, outputs)
    assert 'were not drawn' in caplog.text
