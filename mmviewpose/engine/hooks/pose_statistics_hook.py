"""Tells a model how large the poses are that it shall regress."""
from mmengine.hooks import Hook

from mmviewpose.errors import UserError
from mmviewpose.models.batch_model import unwrapped
from mmviewpose.registry import HOOKS


@HOOKS.register_module()
class PoseStatisticsHook(Hook):
    """Hands mean and standard deviation of the training poses to the model before training::

        custom_hooks = [dict(type='mmviewpose.PoseStatisticsHook')]

    The training data set says them in ``pose_statistics()``, ``(K, 3)`` mm each; the model has
    ``set_statistics(mean, std)`` and ``wants_statistics``. A model that knows them already, from
    the checkpoint that it resumes or starts from, keeps them: its weights belong to them.
    """

    def before_train(self, runner) -> None:
        """Hand them over.

        Raises:
            UserError: The data set or the model has nothing to do with them.
        """
        model = unwrapped(runner.model)
        if not hasattr(model, 'wants_statistics'):
            raise UserError(f'PoseStatisticsHook: {type(model).__name__} takes no statistics of '
                            'poses; leave the hook out')
        if not model.wants_statistics:
            return
        dataset = runner.train_dataloader.dataset
        if not hasattr(dataset, 'pose_statistics'):
            raise UserError(f'PoseStatisticsHook: the training data set, {type(dataset).__name__}, '
                            'has no pose_statistics()')
        model.set_statistics(*dataset.pose_statistics())
