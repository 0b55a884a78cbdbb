"""Draws the training curves when a run ends."""
from pathlib import Path
from typing import Optional, Sequence

from mmengine.dist import is_main_process
from mmengine.hooks import Hook

from mmviewpose.registry import HOOKS


@HOOKS.register_module()
class TrainingCurvesHook(Hook):
    """After training, draw losses and metrics from the run's own log into its folder.

    Only rank 0 draws. A picture that cannot be drawn is a warning in the log, never the end of a
    run.

    Args:
        filename: Picture's name inside the run's log folder (``work_dir/timestamp``).
        keys: Only these scalars; default all losses and metrics.
    """

    # Behind the logger's hook, which writes the last scalars.
    priority = 'LOWEST'

    def __init__(self, filename: str = 'curves.png', keys: Optional[Sequence[str]] = None) -> None:
        self.filename, self.keys = filename, keys

    def after_train(self, runner) -> None:
        """Draw ``log_dir/filename`` from ``log_dir/vis_data``."""
        if not is_main_process():
            return
        try:
            # Here, so that training does not need a working matplotlib.
            from mmviewpose.visualization import training_curves
            path = training_curves(Path(runner.log_dir) / 'vis_data',
                                   Path(runner.log_dir) / self.filename, self.keys,
                                   title=runner.experiment_name)
        except Exception as e:
            runner.logger.warning(f'the training curves were not drawn: {type(e).__name__}: {e}')
        else:
            runner.logger.info(f'training curves: {path}')
