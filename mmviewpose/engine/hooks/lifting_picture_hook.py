"""Draws what a lifter makes of a clip."""
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Sequence

import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from torch import Tensor

from mmviewpose.registry import HOOKS

NEEDED = ('keypoints', 'target', 'keypoints_2d', 'scores', 'frame_mask', 'index')
FEW_FRAMES = 40     # of an animation: a frame takes about 0.3 s
Window = Dict[str, Tensor]


@HOOKS.register_module()
class LiftingPictureHook(Hook):
    """Prediction against truth, with the 2D that the network saw, of a validation clip that moves.

    After each validation ``lifting.png`` in the run's log folder shows the window with the most
    motion, beside what was made of it at the first validation; after training ``lifting.gif`` is
    the animation. A test draws too where asked to: a picture every so many batches,
    ``test_NNNN.png``, and the animation of the liveliest::

        custom_hooks = [dict(type='mmviewpose.LiftingPictureHook')]

    Outputs that are not sequences with 3D are passed over. Only rank 0 draws, from what it
    predicted itself. A picture that cannot be drawn is a warning in the log, never the end of a
    run.

    Args:
        enable: Draw in tests; ``tools/test.py --show-dir DIR`` switches it on for the config's
            ``visualization`` hook.
        out_dir: Folder of the pictures; the run's log folder (``work_dir/timestamp``) by default.
        interval: Of a test: a picture every so many batches.
        skeleton: Layout of the poses.
        columns: How many moments of the window a picture shows.
        animate: Make animations.
    """

    # Behind what a config may do to the outputs.
    priority = 'LOWEST'

    def __init__(self, enable: bool = False, out_dir: Optional[str] = None, interval: int = 1,
                 skeleton: str = 'h36m17', columns: int = 6, animate: bool = True) -> None:
        self.enable, self.out_dir, self.interval = enable, out_dir, interval
        self.skeleton, self.columns, self.animate = skeleton, columns, animate
        self.best: Optional[Window] = None     # of the validation or test that runs or ran last
        self.first: Optional[Window] = None    # the same window at the first validation
        self.first_time = ''

    def before_val_epoch(self, runner) -> None:
        """Look for a window anew."""
        self.best = None

    before_test_epoch = before_val_epoch

    def after_val_iter(self, runner, batch_idx: int, data_batch: Any = None,
                       outputs: Optional[Sequence] = None) -> None:
        """Keep the batch's liveliest window if it beats those before it."""
        if is_main_process():
            self._guard(runner, self._keep, outputs)

    def after_val_epoch(self, runner, metrics: Optional[dict] = None) -> None:
        """Draw ``lifting.png``."""
        if is_main_process() and self.best is not None:
            self._guard(runner, self._draw_validation, runner)

    def after_train(self, runner) -> None:
        """Write ``lifting.gif``."""
        if is_main_process() and self.best is not None and self.animate:
            self._guard(runner, self._animate, runner)

    def after_test_iter(self, runner, batch_idx: int, data_batch: Any = None,
                        outputs: Optional[Sequence] = None) -> None:
        """Draw the liveliest window of every so-manyth batch as ``test_NNNN.png``."""
        if self.enable and batch_idx % self.interval == 0 and is_main_process():
            self._guard(runner, self._draw_test, runner, batch_idx, outputs)

    def after_test_epoch(self, runner, metrics: Optional[dict] = None) -> None:
        """Write ``lifting.gif``."""
        if self.enable:
            self.after_train(runner)

    def _guard(self, runner, action, *args: Any) -> None:
        try:
            action(*args)
        except Exception as e:
            runner.logger.warning(f'the lifting picture was not drawn: {type(e).__name__}: {e}')

    def _keep(self, outputs: Optional[Sequence]) -> Optional[Window]:
        """The liveliest window of a batch, if there is any; also kept if it is the best so far."""
        found = liveliest_window(outputs[0] if outputs else None)
        if found is not None and (self.best is None or found['motion'] > self.best['motion']):
            self.best = found
        return found

    def _draw_validation(self, runner) -> None:
        if self.first is None or self.first['index'] != self.best['index']:
            self.first, self.first_time = self.best, now(runner)
        rows = {self.first_time: self.first['keypoints'], now(runner): self.best['keypoints']}
        path = self._picture(runner, self.best, 'lifting.png', rows)
        runner.logger.info(f'picture: {path}')

    def _draw_test(self, runner, batch_idx: int, outputs: Optional[Sequence]) -> None:
        window = self._keep(outputs)
        if window is not None:
            path = self._picture(runner, window, f'test_{batch_idx:04d}.png',
                                 {'': window['keypoints']})
            runner.logger.info(f'picture: {path}')

    def _picture(self, runner, window: Window, name: str, rows: Mapping[str, Tensor]) -> Path:
        # Here, so that training does not need a working matplotlib.
        from mmviewpose.visualization import lifting_figure
        return lifting_figure({key: value.numpy() for key, value in rows.items()},
                              path=self._folder(runner) / name, columns=self.columns,
                              fps=_fps(window), **self._shown(window),
                              title=f'Prediction against truth, sample {window["index"]}')

    def _animate(self, runner) -> None:
        from mmviewpose.visualization import animate_lifting
        frames = int(self.best['frame_mask'].sum())
        path = animate_lifting(self.best['keypoints'].numpy(),
                               path=self._folder(runner) / 'lifting.gif',
                               fps=_fps(self.best) or 30., stride=-(-frames // FEW_FRAMES),
                               **self._shown(self.best))
        runner.logger.info(f'animation: {path}')

    def _folder(self, runner) -> Path:
        return Path(self.out_dir or runner.log_dir)

    def _shown(self, window: Window) -> Dict[str, Any]:
        from mmviewpose.visualization import Seen
        return dict(target=window['target'].numpy(), skeleton=self.skeleton,
                    frame_mask=window['frame_mask'].numpy(),
                    seen=Seen(window['keypoints_2d'].numpy(), window['scores'].numpy()))


def now(runner) -> str:
    """How far training is; a loop of iterations counts no epochs."""
    return f'epoch {runner.epoch}' if runner.epoch else f'iteration {runner.iter}'


def _fps(window: Window) -> Optional[float]:
    return float(window['fps']) if 'fps' in window else None


def liveliest_window(found: Any) -> Optional[Window]:
    """The window of a batch in which the person moves most.

    Motion is the mean distance that joints go from frame to frame about the root, of which the
    median over the frames is taken, so that a glitch does not win; frames that do not count are
    still.

    Args:
        found: A prediction: poses ``keypoints`` and ``target`` ``(B, T, K, 3)`` mm,
            ``keypoints_2d``, ``scores``, ``frame_mask`` ``(B, T)``, ``index`` ``(B,)`` and where
            known ``has_3d`` ``(B,)`` and ``fps`` ``(B,)``.

    Returns:
        These of one window, on the CPU, and ``motion``, mm a frame; None if the prediction is not
        one of sequences, or none has 3D.
    """
    if not isinstance(found, Mapping) or any(key not in found for key in NEEDED):
        return None
    target, counted = found['target'], found['frame_mask']
    if target.dim() != 4 or target.shape[1] < 2:
        return None
    step = (target[:, 1:] - target[:, :-1]).square().sum(-1).sqrt().mean(-1)
    motion = (step * (counted[:, 1:] & counted[:, :-1])).median(1).values
    if 'has_3d' in found:
        motion = torch.where(found['has_3d'], motion, torch.full_like(motion, -1.))
    row = int(motion.argmax())
    if motion[row] < 0:
        return None
    window = {key: found[key][row].detach().cpu() for key in (*NEEDED, 'fps') if key in found}
    return dict(window, index=int(window['index']), motion=float(motion[row]))
