"""mmengine's per-step logging, handed to the message hub a log interval at a time.

The hub ends up with the same values, one per step. What is saved is the hub's bookkeeping at each
step and, on a GPU, the wait for the device at each scalar, which empties its queue.
"""
import time
from typing import Dict, List, Optional, Sequence, Union

import numpy as np
import torch
from mmengine.hooks import IterTimerHook, LoggerHook, RuntimeInfoHook
from mmengine.logging import MessageHub

from mmviewpose.compat import extend_history
from mmviewpose.registry import HOOKS


class PendingScalars:
    """Scalars of the steps since the last flush."""

    def __init__(self) -> None:
        self._values: Dict[str, List] = {}

    def add(self, key: str, value: Union[float, torch.Tensor, np.ndarray]) -> None:
        """Note a scalar. A tensor on a GPU stays there until the flush."""
        if isinstance(value, torch.Tensor):
            value = value.item() if value.device.type == 'cpu' else value.detach()
        try:
            self._values[key].append(value)
        except KeyError:
            self._values[key] = [value]

    def flush(self, hub: MessageHub) -> bool:
        """Append all to the hub's histories, in the order of the steps.

        Returns:
            Whether there was anything.
        """
        any_pending = any(self._values.values())
        for key, values in self._values.items():
            if not values:
                continue
            numbers = _numbers(values)
            hub.update_scalar(key, numbers[0])
            extend_history(hub.get_scalar(key), numbers[1:])
            values.clear()
        return any_pending


def _numbers(values: Sequence) -> List[float]:
    """Python numbers of values, with one transfer for those on a device."""
    on_device = [n for n, value in enumerate(values) if isinstance(value, torch.Tensor)]
    numbers = list(values)
    if on_device:
        stacked = torch.stack([values[n].reshape(()) for n in on_device])
        for n, number in zip(on_device, stacked.tolist()):
            numbers[n] = number
    return [number.item() if hasattr(number, 'item') else number for number in numbers]


class _FlushMixin:
    """When to flush: just before LoggerHook writes, before a checkpoint, and at the end."""

    def _start(self, runner) -> None:
        self._pending = PendingScalars()
        self._interval = min((hook.interval for hook in runner.hooks
                              if isinstance(hook, LoggerHook)), default=50)

    def before_train_epoch(self, runner) -> None:
        super().before_train_epoch(runner)
        self._last = len(runner.train_dataloader) - 1

    def _flush_is_due(self, batch_idx: int) -> bool:
        return (batch_idx + 1) % self._interval == 0 or batch_idx == self._last

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Bring the histories, of which the checkpoint holds copies by now, up to date."""
        if hasattr(self, '_pending') and self._pending.flush(runner.message_hub):
            checkpoint['message_hub']['log_scalars'] = runner.message_hub.state_dict()[
                'log_scalars']

    def after_train(self, runner) -> None:
        self._pending.flush(runner.message_hub)
        super().after_train(runner)


@HOOKS.register_module()
class BufferedRuntimeInfoHook(_FlushMixin, RuntimeInfoHook):
    """mmengine's ``RuntimeInfoHook``; losses and learning rates arrive at log intervals.

    A hook that reads ``message_hub.get_scalar('train/loss')`` at another step finds the state of
    the last interval: use the plain ``RuntimeInfoHook`` beside such a hook.
    """

    def before_train(self, runner) -> None:
        super().before_train(runner)
        self._start(runner)
        optimizer = getattr(runner.optim_wrapper, 'optimizer', None)
        # get_lr() of a single optimizer gives {'lr': [of each group]}, and the first is logged
        self._group = optimizer.param_groups[0] if optimizer is not None else None
        self._info = runner.message_hub._runtime_info

    def before_train_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        if batch_idx == 0 or 'iter' not in self._info:
            runner.message_hub.update_info('iter', runner.iter)
        else:
            self._info['iter'] = runner.iter
        if self._group is not None:
            self._pending.add('train/lr', self._group['lr'])
            return
        for name, rates in runner.optim_wrapper.get_lr().items():
            self._pending.add(f'train/{name}', rates[0])

    def after_train_iter(self, runner, batch_idx: int, data_batch=None,
                         outputs: Optional[dict] = None) -> None:
        for key, value in (outputs or {}).items():
            self._pending.add(f'train/{key}', value)
        if self._flush_is_due(batch_idx):
            self._pending.flush(runner.message_hub)


@HOOKS.register_module()
class BufferedIterTimerHook(_FlushMixin, IterTimerHook):
    """mmengine's ``IterTimerHook``; in training, times arrive at log intervals."""

    def before_train(self, runner) -> None:
        super().before_train(runner)
        self._start(runner)

    def _before_iter(self, runner, batch_idx: int, data_batch=None, mode: str = 'train') -> None:
        if mode != 'train':
            super()._before_iter(runner, batch_idx, data_batch, mode)
            return
        self._pending.add('train/data_time', time.time() - self.t)

    def _after_iter(self, runner, batch_idx: int, data_batch=None, outputs=None,
                    mode: str = 'train') -> None:
        if mode != 'train':
            super()._after_iter(runner, batch_idx, data_batch, outputs, mode)
            return
        now = time.time()
        took = now - self.t
        self._pending.add('train/time', took)
        self.time_sec_tot += took
        self.t = now
        if self._flush_is_due(batch_idx):
            self._pending.flush(runner.message_hub)
            average = self.time_sec_tot / (runner.iter - self.start_iter + 1)
            runner.message_hub.update_info(
                'eta', average * (runner.max_iters - runner.iter - 1))


@HOOKS.register_module()
class IntervalLoggerHook(LoggerHook):
    """mmengine's ``LoggerHook``, which between two intervals of training does nothing at all."""

    def before_train_epoch(self, runner) -> None:
        super().before_train_epoch(runner)
        self._last = len(runner.train_dataloader) - 1

    def after_train_iter(self, runner, batch_idx: int, data_batch=None,
                         outputs: Optional[dict] = None) -> None:
        if (batch_idx == self._last or self.every_n_inner_iters(batch_idx, self.interval)
                or self.every_n_train_iters(runner, self.interval_exp_name)):
            super().after_train_iter(runner, batch_idx, data_batch, outputs)
