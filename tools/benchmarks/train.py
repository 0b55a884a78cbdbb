"""The Runner of tools/train.py against a bare PyTorch loop: same model, batches, optimizer."""
import copy
import statistics
import tempfile
import time
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import torch
from mmengine.hooks import Hook
from mmengine.registry import DefaultScope

from mmviewpose.engine.runner import build_runner, load_config
from mmviewpose.models.batch_model import BatchModel
from mmviewpose.registry import MODELS

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs/viewpose/sebirenet_synthetic.py'
LR = 1e-3


class _PlainLifter(BatchModel):
    """0.29 M parameters in four linear layers: a step so short that the framework shows."""

    def __init__(self, joints: int = 17, width: int = 352, data_preprocessor=None) -> None:
        super().__init__(data_preprocessor)
        sizes = [3 * joints, width, width, width, 3 * joints]
        layers = []
        for first, second in zip(sizes, sizes[1:]):
            layers += [torch.nn.Linear(first, second), torch.nn.Tanh()]
        self.layers = torch.nn.Sequential(*layers[:-1])

    def forward(self, inputs, data_samples=None, mode='tensor'):
        pred = self.layers(inputs[:, 0].flatten(1) / 1000)
        if mode == 'loss':
            target = data_samples['target'][:, 0].flatten(1) / 1000
            return dict(loss=(pred - target).square().mean())
        return pred


class _BareLoopAfterEachEpoch(Hook):
    """Times an epoch of the Runner, its logging included, and right after it one of a bare loop.

    Taking turns makes what else the machine does slow both alike.
    """

    priority = 'HIGHEST'

    def __init__(self, batch_size: int, lr: float) -> None:
        self.batch_size, self.lr = batch_size, lr
        self.runner_s: List[float] = []
        self.bare_s: List[float] = []

    def before_train(self, runner) -> None:
        self.model = copy.deepcopy(runner.model)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=self.lr)

    def before_train_epoch(self, runner) -> None:
        self.start = time.perf_counter()

    def after_train_epoch(self, runner) -> None:
        self.runner_s.append(time.perf_counter() - self.start)
        start = time.perf_counter()
        self._bare_epoch(runner.train_dataloader.dataset)
        self.bare_s.append(time.perf_counter() - start)

    def _bare_epoch(self, dataset) -> None:
        device = next(self.model.parameters()).device
        self.model.train()
        for index in torch.randperm(len(dataset)).split(self.batch_size):
            batch = dataset.__getitems__(index)
            inputs = batch['inputs'].to(device)
            samples = {key: value.to(device) for key, value in batch['data_samples'].items()}
            losses = self.model(inputs, samples, mode='loss')
            loss = sum(losses.values())
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        float(loss.detach())  # one wait for the device, as at a log interval


class _AgeHistory(Hook):
    """Times epochs, and before epoch ``at`` logs each scalar ``steps`` times more."""

    priority = 'HIGHEST'

    def __init__(self, at: int, steps: int) -> None:
        self.at, self.steps = at, steps
        self.seconds: List[float] = []

    def before_train_epoch(self, runner) -> None:
        if runner.epoch == self.at:
            hub = runner.message_hub
            for name in list(hub.log_scalars):
                for _ in range(self.steps):
                    hub.update_scalar(name, 0.5)
        self.start = time.perf_counter()

    def after_train_epoch(self, runner) -> None:
        self.seconds.append(time.perf_counter() - self.start)


def _train(batch_size: int, steps: int, epochs: int, model: Optional[dict], hook: Hook) -> None:
    """A Runner with our hooks and logging, and ``hook`` beside them."""
    with tempfile.TemporaryDirectory() as work_dir:
        cfg = load_config(str(CONFIG), {
            'train_dataloader.batch_size': batch_size,
            'train_dataloader.dataset.num_poses': batch_size * steps,
            'train_cfg.max_epochs': epochs,
            'default_hooks.checkpoint.interval': epochs + 1,
            'default_hooks.checkpoint.save_last': False,
            'log_level': 'ERROR'})
        cfg.optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=LR))
        cfg.work_dir, cfg.launcher = work_dir, 'none'
        # the bare loop has neither
        cfg.param_scheduler = cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        if model is not None:
            cfg.model = model
        cfg.experiment_name = f'benchmark_{batch_size}_{cfg.model.type}_{time.time_ns()}'
        runner = build_runner(cfg)
        runner.register_hook(hook, hook.priority)
        runner.train()


def _compare(batch_size: int, steps: int, epochs: int,
             model: Optional[dict] = None) -> Tuple[float, float]:
    """Runner's samples/s over the bare loop's in the median epoch, and the loop's ms a step."""
    watch = _BareLoopAfterEachEpoch(batch_size, LR)
    _train(batch_size, steps, epochs, model, watch)
    ours, bare = (statistics.median(times[1:]) for times in (watch.runner_s, watch.bare_s))
    return bare / ours, 1e3 * bare / steps


def _growth(epochs: int = 5, steps: int = 400, history: int = 100000) -> float:
    """Cost of a Runner's step once ``history`` steps were logged over that of the first ones.

    The model is so small that the step is nearly all the framework's.
    """
    watch = _AgeHistory(epochs + 1, history)
    _train(1, steps, 2 * epochs + 1, dict(type='BenchmarkLifter', width=4), watch)
    times = watch.seconds[1:]
    return statistics.median(times[epochs:]) / statistics.median(times[:epochs])


def _register() -> None:
    if not MODELS.get('BenchmarkLifter'):
        MODELS.register_module('BenchmarkLifter', module=_PlainLifter)


def run(threads: int = 1, epochs: int = 4) -> Dict[str, float]:
    """Train a few epochs each way; the first is not counted.

    Returns:
        ``of_bare_64``, ``of_bare_1024``: samples/s of the Runner over the bare loop's, for
        SeBiReNet; ``lifter_of_bare_*``: the same for a plain lifter, whose steps are much shorter;
        ``bare_ms_*``: a step of the bare loop; ``step_growth``: cost of a step once 100,000 are in
        the log over that of the first ones, for a model so small that only the framework counts.
    """
    _register()
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    found = {}
    try:
        with DefaultScope.overwrite_default_scope(None):
            for batch_size, steps in ((64, 100), (1024, 20)):
                found[f'of_bare_{batch_size}'], found[f'bare_ms_{batch_size}'] = _compare(
                    batch_size, steps, epochs)
                (found[f'lifter_of_bare_{batch_size}'],
                 found[f'lifter_bare_ms_{batch_size}']) = _compare(
                    batch_size, 4 * steps, epochs, dict(type='BenchmarkLifter'))
            found['step_growth'] = _growth()
    finally:
        torch.set_num_threads(before)
    return found
