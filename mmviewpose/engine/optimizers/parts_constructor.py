"""An optimizer for each of several parts of a model."""
from typing import Optional

from mmengine.optim import OptimWrapperDict, build_optim_wrapper
from torch import nn

from mmviewpose.errors import UserError
from mmviewpose.models.batch_model import unwrapped
from mmviewpose.registry import OPTIM_WRAPPER_CONSTRUCTORS


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class PartsOptimWrapperConstructor:
    """Builds an ``OptimWrapperDict``: an optimizer wrapper for each named part of the model.

    ::

        optim_wrapper = dict(
            constructor='PartsOptimWrapperConstructor',
            lifter=dict(optimizer=dict(type='Adam', lr=2e-4)),
            critic=dict(optimizer=dict(type='Adam', lr=2e-4)))

    Args:
        optim_wrapper_cfg: A config of an optimizer wrapper for each part by its name.
        paramwise_cfg: Not taken here: a part's config may have its own.

    Raises:
        UserError: A ``paramwise_cfg`` for all, or an entry that is no optimizer wrapper.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: Optional[dict] = None) -> None:
        if paramwise_cfg:
            raise UserError('paramwise_cfg belongs into the optimizer wrapper of one part: '
                            f'{", ".join(optim_wrapper_cfg)}')
        for name, config in optim_wrapper_cfg.items():
            if not isinstance(config, dict) or 'optimizer' not in config:
                raise UserError(f'optim_wrapper.{name}: with PartsOptimWrapperConstructor each '
                                'entry is the optimizer wrapper of a part, '
                                'NAME=dict(optimizer=dict(...)); other options go in there')
        self.configs = {name: dict(config) for name, config in optim_wrapper_cfg.items()}

    def __call__(self, model: nn.Module) -> OptimWrapperDict:
        """Build the wrappers.

        Raises:
            UserError: The model has no part of such a name, or one without weights to learn.
        """
        model = unwrapped(model)
        for name in self.configs:
            part = getattr(model, name, None)
            if not isinstance(part, nn.Module) or not any(
                    weight.requires_grad for weight in part.parameters()):
                raise UserError(f'optim_wrapper: {type(model).__name__} has no part {name!r} '
                                'with weights to learn')
        return OptimWrapperDict(**{name: build_optim_wrapper(getattr(model, name), config)
                                   for name, config in self.configs.items()})
