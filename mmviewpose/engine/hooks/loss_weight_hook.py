"""Changes the weight of one loss while a model trains."""
from typing import Tuple

from mmengine.hooks import Hook

from mmviewpose.errors import UserError
from mmviewpose.models.batch_model import unwrapped
from mmviewpose.registry import HOOKS


@HOOKS.register_module()
class LossWeightHook(Hook):
    """Leads a loss from one weight to another, linearly between two points of the training::

        custom_hooks = [dict(type='mmviewpose.LossWeightHook', loss='reconstruction_loss',
                             weights=(1., .1), between=(.3, .6))]

    The weight follows from the iteration alone, so that a resumed training goes on with it.

    Args:
        loss: Attribute of the model that is the loss, a module with ``loss_weight``; with dots for
            one of a part, e.g. ``head.loss_module``.
        weights: The first and the last weight.
        between: From where to where it changes, as parts of all iterations, 0 to 1.

    Raises:
        ValueError: ``between`` does not rise within 0 to 1.
    """

    def __init__(self, loss: str, weights: Tuple[float, float],
                 between: Tuple[float, float] = (0., 1.)) -> None:
        if not 0 <= between[0] < between[1] <= 1:
            raise ValueError(f'between must rise within 0 to 1, got {tuple(between)}')
        self.loss, self.weights, self.between = loss, tuple(weights), tuple(between)

    def before_train(self, runner) -> None:
        """Look for the loss before any step is made.

        Raises:
            UserError: The model has no such loss: none, or one that is switched off.
        """
        if not hasattr(self._find(runner), 'loss_weight'):
            raise UserError(f'LossWeightHook: {type(unwrapped(runner.model)).__name__} has no loss '
                            f'{self.loss!r} with a loss_weight, or it is switched off')

    def before_train_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        """Set the weight of the coming step."""
        begin, end = self.between
        passed = (runner.iter / runner.max_iters - begin) / (end - begin)
        first, last = self.weights
        self._find(runner).loss_weight = first + (last - first) * min(1., max(0., passed))

    def _find(self, runner):
        found = unwrapped(runner.model)
        for name in self.loss.split('.'):
            found = getattr(found, name, None)
        return found
