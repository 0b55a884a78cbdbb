"""Draws what an auto-encoder recovers (``tools/test.py --show-dir``)."""
from pathlib import Path
from typing import Mapping, Optional, Sequence

from mmengine.dist import is_main_process
from mmengine.hooks import Hook

from mmviewpose.registry import HOOKS

KEYS = ('target', 'input', 'keypoints', 'moved')


@HOOKS.register_module()
class DenoisingPictureHook(Hook):
    """True, corrupted and recovered poses of test batches, a picture every so many.

    Outputs without corrupted poses (recognition, lifting) are passed over. Rank 0 draws.

    Args:
        enable: Draw at all; ``tools/test.py --show-dir DIR`` switches it on.
        out_dir: Folder of the pictures; the run's log folder by default.
        interval: A picture every so many batches.
        skeleton: Layout of the poses.
    """

    def __init__(self, enable: bool = False, out_dir: Optional[str] = None, interval: int = 1,
                 skeleton: str = 'ape17') -> None:
        self.enable, self.out_dir, self.interval = enable, out_dir, interval
        self.skeleton = skeleton

    def after_test_iter(self, runner, batch_idx: int, data_batch: Optional[dict] = None,
                        outputs: Optional[Sequence] = None) -> None:
        """Draw the first poses of the batch as ``test_NNNN.png``."""
        if not self.enable or batch_idx % self.interval or not is_main_process():
            return
        found = outputs[0] if outputs else None
        if not isinstance(found, Mapping) or not all(key in found for key in KEYS):
            return
        from mmviewpose.visualization import denoising_figure
        poses = [found[key][:6].cpu().numpy() for key in KEYS]
        folder = Path(self.out_dir or runner.log_dir)
        path = denoising_figure(*poses, self.skeleton, folder / f'test_{batch_idx:04d}.png')
        runner.logger.info(f'picture: {path}')
