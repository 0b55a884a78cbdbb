"""Whole runs of a lifter without 3D labels: two optimizers, running means, one process and two."""
import json
import os
import socket
import subprocess
import sys
from collections import OrderedDict

import pytest
import torch

pytest.importorskip('mmpose')
from mmengine.model import ExponentialMovingAverage  # noqa: E402
from mmengine.runner.checkpoint import get_state_dict, load_state_dict  # noqa: E402

from mmviewpose.compat import load_checkpoint_file  # noqa: E402
from mmviewpose.engine.runner import _name_plainly, build_runner, load_config  # noqa: E402

# two runs within a second get the same name, and mmengine notices
pytestmark = pytest.mark.filterwarnings('ignore:.*instance named of:UserWarning')

# Nothing is drawn at random but the first weights, so that it makes no difference which process
# sees which pose.
CONFIG = '''_base_ = ['{root}/configs/viewpose/partlift-leg-torso_synthetic.py']
model = dict(
    lifter=dict(width=12, blocks=1), critic=dict(width=12, blocks=1), azimuth=0., elevation=0.,
    adversarial=dict(swap_prob=0.), depth_sign='anatomy', sign_interval=1)
photograph = dict(type='ProjectPoses', projection='orthographic')
train_dataloader = dict(
    batch_size=32, sampler=dict(shuffle=False),
    dataset=dict(num_poses=96, prepare=[photograph], pipeline=[dict(type='PackLifting')]))
val_dataloader = dict(batch_size=40, dataset=dict(num_poses=70))
test_dataloader = dict(batch_size=40, dataset=dict(num_poses=70))
train_cfg = dict(max_epochs=2, val_interval=2)
param_scheduler = dict(
    _delete_=True, type='LinearLR', start_factor=1., end_factor=0.5, end=6, by_epoch=False)
optim_wrapper = dict(
    lifter=dict(optimizer=dict(_delete_=True, type='SGD', lr=0.1, momentum=0.9)),
    critic=dict(optimizer=dict(_delete_=True, type='SGD', lr=0.02, momentum=0.9)))
custom_hooks = [dict(type='mmengine.EMAHook', ema_type='ExponentialMovingAverage', momentum=0.2)]
default_hooks = dict(visualization=dict(_delete_=True, type='DenoisingPictureHook'))
randomness = dict(seed=0)
visualizer = dict(type='Visualizer', vis_backends=None)
'''
RANKS = '''import sys, torch
import mmviewpose.compat
from mmviewpose.engine.runner import build_runner, load_config
for folder, options in (('two', {}), ('resumed', dict(resume=True, load_from='two/epoch_1.pth'))):
    cfg = load_config('config.py', {'launcher': 'pytorch', 'work_dir': folder,
                                    'train_dataloader.batch_size': 16, **options})
    runner = build_runner(cfg)
    runner.train()
    torch.save(runner.model.module.state_dict(), f'{folder}/rank{runner.rank}.pth')
'''


def free_port():
    with socket.socket() as sock:
        sock.bind(('127.0.0.1', 0))
        return str(sock.getsockname()[1])


def start_ranks(folder, root):
    environment = dict(
        os.environ, OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='', PYTHONPATH=str(root),
        WORLD_SIZE='2', LOCAL_RANK='0', MASTER_ADDR='127.0.0.1', MASTER_PORT=free_port())
    return [subprocess.Popen([sys.executable, '-c', RANKS], cwd=folder, text=True,
                             env=dict(environment, RANK=str(rank)), stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE) for rank in range(2)]


@pytest.fixture(scope='module')
def config(root, tmp_path_factory):
    path = tmp_path_factory.mktemp('runs') / 'config.py'
    path.write_text(CONFIG.format(root=root))
    return path


@pytest.fixture(scope='module')
def one(config):
    """Work dir of one process, with what it validated last."""
    folder = config.parent / 'one'
    runner = build_runner(load_config(str(config), dict(work_dir=str(folder))))
    runner.train()
    metrics = {name.replace('val/', ''): runner.message_hub.get_scalar(name).current()
               for name in runner.message_hub.log_scalars if 'PA-MPJPE' in name}
    (folder / 'metrics.json').write_text(json.dumps(metrics))
    return folder


@pytest.fixture(scope='module')
def two(config, root):
    """Work dir of two processes; beside it that of two which resumed from the first epoch."""
    ranks = start_ranks(config.parent, root)
    for rank in ranks:
        _, errors = rank.communicate(timeout=900)
        assert rank.returncode == 0, errors[-3000:]
    return config.parent / 'two'


def state(path):
    return load_checkpoint_file(str(path))


def close(one, other):
    assert one.keys() == other.keys()
    for key, value in one.items():
        torch.testing.assert_close(value, other[key], rtol=1e-4, atol=1e-6, msg=key)


@pytest.mark.slow
def test_two_ranks_agree_and_do_what_one_does(one, two):
    ranks = [torch.load(two / f'rank{rank}.pth', weights_only=True) for rank in (0, 1)]
    for key, value in ranks[0].items():
        assert torch.equal(value, ranks[1][key]), key
    for epoch in (1, 2):
        alone, together = (state(folder / f'epoch_{epoch}.pth') for folder in (one, two))
        for key in ('state_dict', 'ema_state_dict'):
            close(alone[key], together[key])


@pytest.mark.slow
def test_two_ranks_resume(two):
    first, again = (state(folder / 'epoch_2.pth') for folder in (two, two.parent / 'resumed'))
    for key in ('state_dict', 'ema_state_dict'):
        close(first[key], again[key])


@pytest.mark.parametrize('trained', ['one', pytest.param('two', marks=pytest.mark.slow)])
def test_tests_as_it_was_validated(one, config, load_tool, tmp_path, request, trained):
    """The checkpoint of two ranks is tested by one process; validation saw the running means."""
    checkpoint = request.getfixturevalue(trained) / 'epoch_2.pth'
    metrics = load_tool('test.py').main([str(config), str(checkpoint), '--work-dir',
                                         str(tmp_path)])
    expected = json.loads((one / 'metrics.json').read_text())
    assert expected and {name: metrics[name] for name in expected} == pytest.approx(
        expected, rel=1e-4)


def test_what_is_saved(one):
    first, second = (state(one / f'epoch_{epoch}.pth') for epoch in (1, 2))
    key = 'lifter.trunk.0.weight'
    for content in (first, second):
        last = content['ema_state_dict'][f'module.{key}']  # mmengine swaps the two
        assert not torch.equal(content['state_dict'][key], last)
        assert set(content['optimizer']) == set(content['param_schedulers']) == {'lifter',
                                                                                 'critic'}
    assert second['ema_state_dict']['steps'] == 6  # three an epoch


def test_parts_in_wrappers_of_their_own_are_saved_and_loaded_by_their_plain_names():
    def build(wrap):
        model = torch.nn.ModuleDict(dict(lifter=torch.nn.Sequential(
            torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3)), critic=torch.nn.Linear(3, 1)))
        if wrap:
            model['lifter'] = torch.nn.DataParallel(model['lifter'])
            _name_plainly(model)
        return model

    plain, wrapped = build(False), build(True)
    names = list(plain.state_dict())
    mean = ExponentialMovingAverage(wrapped)
    assert list(wrapped.state_dict()) == list(get_state_dict(wrapped)) == names
    assert list(mean.state_dict()) == ['steps', *(f'module.{name}' for name in names)]
    for load in (lambda model, values: model.load_state_dict(values),
                 lambda model, values: load_state_dict(model, values, strict=True)):
        values = {name: torch.rand_like(value.float()).to(value.dtype)
                  for name, value in plain.state_dict().items()}
        for model, prefix in ((wrapped, ''), (plain, ''), (mean, 'module.')):
            extra = {'steps': torch.tensor(3)} if prefix else {}
            load(model, OrderedDict({prefix + name: value for name, value in values.items()},
                                    **extra))
            for name, value in values.items():
                assert torch.equal(model.state_dict()[prefix + name], value)
