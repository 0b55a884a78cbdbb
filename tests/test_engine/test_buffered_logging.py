"""The buffered hooks leave in the message hub what mmengine's own leave."""
import pytest
import torch

pytest.importorskip('mmengine')
from mmengine.config import Config  # noqa: E402
from mmengine.hooks import Hook  # noqa: E402
from mmengine.model import BaseModel  # noqa: E402
from mmengine.runner import Runner  # noqa: E402

import mmviewpose.engine.hooks  # noqa: E402,F401
from mmviewpose.engine.hooks.buffered_logging import PendingScalars  # noqa: E402


class _Model(BaseModel):

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def forward(self, inputs, mode='tensor'):
        return dict(loss_a=self.layer(inputs).square().mean(), other=inputs.mean())


class _Log(Hook):
    """What a reader sees at each log interval."""

    priority = 'LOW'

    def __init__(self):
        self.seen = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if (batch_idx + 1) % 3 == 0 or batch_idx == 6:
            hub = runner.message_hub
            self.seen.append([hub.get_scalar(f'train/{key}').current()
                              for key in ('loss', 'loss_a', 'other', 'lr')]
                             + [hub.get_info('iter')])


def _train(tmp_path, hooks, name, by_epoch=True):
    torch.manual_seed(0)
    data = [dict(inputs=torch.full((1, ), float(number))) for number in range(14)]
    loop = dict(by_epoch=True, max_epochs=2) if by_epoch else dict(by_epoch=False, max_iters=14)
    runner = Runner(
        _Model(), work_dir=str(tmp_path / name), experiment_name=name,
        train_dataloader=torch.utils.data.DataLoader(data, batch_size=2),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01)), train_cfg=loop,
        param_scheduler=dict(type='ExponentialLR', gamma=0.9, by_epoch=by_epoch),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=4, by_epoch=by_epoch),
                           **hooks), log_level='ERROR', cfg=Config(dict()))
    log = _Log()
    runner.register_hook(log, 'LOW')
    runner.train()
    return runner, log.seen


@pytest.mark.parametrize('by_epoch', [True, False])
def test_histories_equal_mmengines(tmp_path, by_epoch):
    plain, seen = _train(tmp_path, dict(logger=dict(type='LoggerHook', interval=3)),
                         f'plain{by_epoch}', by_epoch)
    ours, seen_ours = _train(tmp_path, dict(
        runtime_info=dict(type='mmviewpose.BufferedRuntimeInfoHook'),
        timer=dict(type='mmviewpose.BufferedIterTimerHook'),
        logger=dict(type='mmviewpose.IntervalLoggerHook', interval=3)), f'ours{by_epoch}',
        by_epoch)
    assert seen_ours == seen
    expected, got = plain.message_hub.log_scalars, ours.message_hub.log_scalars
    assert set(got) == set(expected)
    for key in expected:
        for one, other in zip(got[key].data, expected[key].data):
            assert one.dtype == other.dtype and len(one) == len(other) == 14
            if 'time' not in key:
                assert (one == other).all(), key
    assert set(ours.message_hub.runtime_info) == set(plain.message_hub.runtime_info)


def test_checkpoint_between_intervals_is_complete(tmp_path):
    from mmviewpose.compat import load_checkpoint_file
    _train(tmp_path, dict(
        runtime_info=dict(type='mmviewpose.BufferedRuntimeInfoHook'),
        timer=dict(type='mmviewpose.BufferedIterTimerHook'),
        logger=dict(type='mmviewpose.IntervalLoggerHook', interval=3)), 'between', False)
    content = load_checkpoint_file(str(tmp_path / 'between' / 'iter_4.pth'))
    for key, history in content['message_hub']['log_scalars'].items():
        assert len(history.data[0]) == 4, key


@pytest.mark.gpu
def test_scalars_on_a_gpu_wait_for_the_flush():
    from mmengine.logging import MessageHub
    pending, hub = PendingScalars(), MessageHub('gpu')
    for step in range(5):
        pending.add('a', torch.tensor(step / 2, device='cuda'))
        pending.add('b', step)
    pending.flush(hub)
    assert hub.get_scalar('a').data[0].tolist() == [0., 0.5, 1., 1.5, 2.]
    assert hub.get_scalar('b').data[0].tolist() == [0, 1, 2, 3, 4]
