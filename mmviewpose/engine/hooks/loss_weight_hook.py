"""Changes the weight of one loss while a model trains."""
from typing import Tuple

from mmengine.hooks import Hook

from mmviewpose.errors import UserError
from mmviewpose.models.batch_model import unwrapped
from mmviewpose.registry import HOOKS


@HOOKS.register_module()
class LossWeightHook(Hook):
    """Multiplies a loss's weight by a factor that changes linearly between two points of the
    training::

        custom_hooks = [dict(type='mmviewpose.LossWeightHook', loss='reconstruction_loss',
                             factors=(1., .1), between=(.3, .6))]

    The factor follows from the iteration alone, so that a resumed training goes on with it. It is
    logged as ``factor/LOSS``.

    Args:
        loss: Attribute of the model that is the loss, a module with ``loss_weight``; with dots for
            one of a part, e.g. ``head.loss_module``.
        factors: The first and the last factor on the weight that the model's config gives.
        between: From where to where it changes, as parts of all iterations, 0 to 1.

    Raises:
        ValueError: ``between`` does not rise within 0 to 1, or there are not two factors.
    """

    def __init__(self, loss: str, factors: Tuple[float, float],
                 between: Tuple[float, float] = (0., 1.)) -> None:
        if len(factors) != 2:
            raise ValueError(f'factors must be the first and the last, got {tuple(factors)}')
        if not 0 <= between[0] < between[1] <= 1:
            raise ValueError(f'between must rise within 0 to 1, got {tuple(between)}')
        self.loss, self.factors, self.between = loss, tuple(factors), tuple(between)

    def before_train(self, runner) -> None:
        """Look for the loss before any step is made.

        Raises:
            UserError: The model has no such loss: none, or one that is switched off.
        """
        found = unwrapped(runner.model)
        for name in self.loss.split('.'):
            found = getattr(found, name, None)
        if not hasattr(found, 'loss_weight'):
            raise UserError(f'LossWeightHook: {type(unwrapped(runner.model)).__name__} has no loss '
                            f'{self.loss!r} with a loss_weight, or it is switched off')
        self._module, self._weight = found, found.loss_weight

    def before_train_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        """Set the weight of the coming step."""
        begin, end = self.between
        passed = (runner.iter / runner.max_iters - begin) / (end - begin)
        first, last = self.factors
        factor = first + (last - first) * min(1., max(0., passed))
        self._module.loss_weight = factor * self._weight
        runner.message_hub.update_scalar(f'train/factor/{self.loss}', factor)

    def after_train(self, runner) -> None:
        """Give the loss its own weight again."""
        self._module.loss_weight = self._weight
