"""Draws what a lifter of single poses makes of some of them."""
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Sequence

import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from torch import Tensor

from mmviewpose.engine.hooks.lifting_picture_hook import now
from mmviewpose.registry import HOOKS

NEEDED = ('keypoints', 'target', 'keypoints_2d')


@HOOKS.register_module()
class LiftedPosesHook(Hook):
    """Poses of the first batch, lifted, over the true ones: ``lifted.png`` after each validation,
    with what was made of them at the first, and ``test_NNNN.png`` in tests that are asked to draw::

        custom_hooks = [dict(type='mmviewpose.LiftedPosesHook')]

    Outputs that are not single poses with their 2D are passed over. Only rank 0 draws. A picture
    that cannot be drawn is a warning in the log, never the end of a run.

    Args:
        enable: Draw in tests; ``tools/test.py --show-dir DIR`` switches it on for the config's
            ``visualization`` hook.
        out_dir: Folder of the pictures; the run's log folder by default.
        interval: Of a test: a picture every so many batches.
        skeleton: Layout of the poses.
        columns: How many poses a picture shows.
    """

    # Behind what a config may do to the outputs.
    priority = 'LOWEST'

    def __init__(self, enable: bool = False, out_dir: Optional[str] = None, interval: int = 1,
                 skeleton: str = 'ape17', columns: int = 8) -> None:
        self.enable, self.out_dir, self.interval = enable, out_dir, interval
        self.skeleton, self.columns = skeleton, columns
        self.shown: Optional[Dict[str, Tensor]] = None
        self.first: Dict[str, Tensor] = {}      # the first validation's, by when it was

    def after_val_iter(self, runner, batch_idx: int, data_batch: Any = None,
                       outputs: Optional[Sequence] = None) -> None:
        """Keep poses of the first batch."""
        if batch_idx == 0 and is_main_process():
            self.shown = some_poses(outputs, self.columns)

    def after_val_epoch(self, runner, metrics: Optional[dict] = None) -> None:
        """Draw ``lifted.png``."""
        if self.shown is not None and is_main_process():
            latest = {now(runner): self.shown['keypoints']}
            self.first = self.first or latest
            self._draw(runner, self.shown, {**self.first, **latest},
                       'lifted.png')

    def after_test_iter(self, runner, batch_idx: int, data_batch: Any = None,
                        outputs: Optional[Sequence] = None) -> None:
        """Draw some of every so-manyth batch."""
        if self.enable and batch_idx % self.interval == 0 and is_main_process():
            shown = some_poses(outputs, self.columns)
            if shown is not None:
                self._draw(runner, shown, {'lifted': shown['keypoints']},
                           f'test_{batch_idx:04d}.png')

    def _draw(self, runner, shown: Mapping[str, Tensor], rows: Mapping[str, Tensor],
              name: str) -> None:
        try:
            # Here, so that training does not need a working matplotlib.
            from mmviewpose.visualization import lifted_poses_figure
            path = lifted_poses_figure(
                {key: poses.numpy() for key, poses in rows.items()}, shown['target'].numpy(),
                shown['keypoints_2d'].numpy(), Path(self.out_dir or runner.log_dir) / name,
                self.skeleton)
        except Exception as e:
            runner.logger.warning(f'lifted poses were not drawn: {type(e).__name__}: {e}')
        else:
            runner.logger.info(f'picture: {path}')


def some_poses(outputs: Optional[Sequence], number: int) -> Optional[Dict[str, Tensor]]:
    """Evenly chosen poses of a batch's prediction, on the CPU; None if it is not one of poses with
    their 2D."""
    found = outputs[0] if outputs else None
    if not isinstance(found, Mapping) or any(key not in found for key in NEEDED):
        return None
    if found['keypoints'].dim() != 3 or found['keypoints'].shape != found['target'].shape:
        return None
    count = len(found['keypoints'])
    rows = torch.linspace(0, count - 1, min(number, count)).long()
    return {key: found[key].detach().cpu()[rows] for key in NEEDED}
