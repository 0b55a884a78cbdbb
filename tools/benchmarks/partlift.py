"""Adversarial part-wise lifting: the Runner against a bare loop, and the lifter's passes batched.
"""
import copy
import statistics
import tempfile
import time
from pathlib import Path
from typing import Dict, List

import torch
from mmengine.hooks import Hook
from mmengine.registry import DefaultScope

from mmviewpose.engine.runner import build_runner, load_config

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs/viewpose/partlift-leg-torso_synthetic.py'
BATCH, WIDTH, LR = 8192, 64, 2e-4


class _BareLoopBetweenSteps(Hook):
    """Times each step of the Runner, with its data, hooks and logging, and after it one of a bare
    loop.

    Taking turns makes what else the machine does slow both alike.
    """

    priority = 'HIGHEST'

    def __init__(self) -> None:
        self.runner_s: List[float] = []
        self.bare_s: List[float] = []

    def before_train(self, runner) -> None:
        self.model = copy.deepcopy(runner.model)
        self.lifter = torch.optim.Adam(self.model.lifter.parameters(), lr=LR)
        self.critic = torch.optim.Adam(self.model.critic.parameters(), lr=LR)
        self.start = time.perf_counter()

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        float(outputs['loss'])  # one wait for a device, as below
        self.runner_s.append(time.perf_counter() - self.start)
        dataset = runner.train_dataloader.dataset
        start = time.perf_counter()
        index = torch.randint(len(dataset), (BATCH, ))
        float(self._bare_step(dataset.__getitems__(index)['inputs']))
        self.start = time.perf_counter()
        self.bare_s.append(self.start - start)

    def _bare_step(self, inputs: torch.Tensor) -> torch.Tensor:
        """The losses and steps of ``AdversarialLifter.train_step``, nothing around them."""
        model = self.model
        points, scale = model.normalise(inputs.to(model.share.device))
        model.critic.requires_grad_(False)
        cycle = model.cycle(points, scale)
        loss = sum(model.cycle_losses(cycle, points, model.critic).values())
        self.lifter.zero_grad()
        loss.backward()
        self.lifter.step()
        model.critic.requires_grad_(True)
        judged = model.critic(torch.cat([points, cycle.views.detach()]))
        loss = model.adversarial.critic(*judged.chunk(2))
        self.critic.zero_grad()
        loss.backward()
        self.critic.step()
        return loss.detach()


def _config(work_dir: str, batch_size: int, steps: int, epochs: int):
    cfg = load_config(str(CONFIG), {
        'model.lifter.width': WIDTH, 'model.critic.width': WIDTH,
        'train_dataloader.batch_size': batch_size,
        'train_dataloader.dataset.num_poses': batch_size * steps,
        'train_cfg.max_epochs': epochs, 'log_level': 'ERROR',
        'default_hooks.checkpoint.interval': epochs + 1,
        'default_hooks.checkpoint.save_last': False})
    for part in ('lifter', 'critic'):
        cfg.optim_wrapper[part] = dict(optimizer=dict(type='Adam', lr=LR))
    cfg.work_dir, cfg.launcher = work_dir, 'none'
    # the bare loop has none of these
    cfg.param_scheduler = cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.custom_hooks = []
    cfg.experiment_name = f'benchmark_partlift_{time.time_ns()}'
    return cfg


def _of_bare(steps: int, epochs: int) -> Dict[str, float]:
    watch = _BareLoopBetweenSteps()
    with tempfile.TemporaryDirectory() as work_dir:
        runner = build_runner(_config(work_dir, BATCH, steps, epochs))
        runner.register_hook(watch, watch.priority)
        runner.train()
    ours, bare = (sum(times[steps:]) for times in (watch.runner_s, watch.bare_s))
    count = steps * (epochs - 1)
    return dict(of_bare=bare / ours, samples_per_s=BATCH * count / ours, bare_ms=1e3 * bare / count)


def _batched_gain(batch_size: int, steps: int) -> float:
    """Time of training steps whose passes run one by one over that of batched ones, in turns."""
    with tempfile.TemporaryDirectory() as work_dir:
        runner = build_runner(_config(work_dir, batch_size, 1, 1))
        model = runner.model
        wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
        batch = next(iter(runner.build_dataloader(runner.train_dataloader)))
        seconds: Dict[bool, List[float]] = {True: [], False: []}
        for _ in range(steps + 2):
            for batched, times in seconds.items():
                model.batched = batched
                start = time.perf_counter()
                float(model.train_step(batch, wrapper)['loss'])
                times.append(time.perf_counter() - start)
    return statistics.median(seconds[False][2:]) / statistics.median(seconds[True][2:])


def run(threads: int = 1, steps: int = 4, epochs: int = 6) -> Dict[str, float]:
    """Train legs and torso at width 64, Adam, a few epochs each way; the first is not counted.

    Returns:
        ``of_bare``: samples/s of the Runner over those of a bare loop with the same networks and
        losses, batch 8,192; ``samples_per_s`` of the Runner and ``bare_ms``, a step of the loop;
        ``batched_gain``: what running four of the lifter's five passes in one saves at that batch
        size, as a ratio of times of whole steps, and ``batched_gain_256`` at 256.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with DefaultScope.overwrite_default_scope('mmviewpose'):
            found = _of_bare(steps, epochs)
            found['batched_gain'] = _batched_gain(BATCH, 5)
            found['batched_gain_256'] = _batched_gain(256, 40)
    finally:
        torch.set_num_threads(before)
    return found
