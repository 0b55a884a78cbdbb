"""Base class of our models: mmengine's, with less work in a step."""
from collections import OrderedDict
from typing import Any, Dict, Mapping, Tuple

import torch
from mmengine.model import BaseDataPreprocessor, BaseModel, is_model_wrapper
from torch import Tensor, nn

from mmviewpose.models.weights import load_part
from mmviewpose.registry import MODELS


@MODELS.register_module()
class BatchPreprocessor(BaseDataPreprocessor):
    """Moves a batch of dicts of tensors to the model's device."""

    def forward(self, data: dict, training: bool = False) -> dict:
        """Move all tensors of ``data``; on the same device they are passed on as they are."""
        return _to(data, self.device, self._non_blocking)


def unwrapped(module: nn.Module) -> nn.Module:
    """The module without its wrapper for distributed training."""
    return module.module if is_model_wrapper(module) else module


def _to(value: Any, device: torch.device, non_blocking: bool) -> Any:
    if isinstance(value, Tensor):
        return value.to(device, non_blocking=non_blocking)
    if isinstance(value, dict):
        return {key: _to(entry, device, non_blocking) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_to(entry, device, non_blocking) for entry in value)
    return value


class BatchModel(BaseModel):
    """``BaseModel`` for batches of arrays.

    A loss that is a scalar already is neither averaged nor added to zero, and what is only logged
    does not keep the autograd graph. A model that names its :meth:`pretrained_parts` gets them,
    strictly, from the checkpoint of ``init_cfg``.
    """

    def __init__(self, data_preprocessor=None, init_cfg=None) -> None:
        super().__init__(data_preprocessor or dict(type='mmviewpose.BatchPreprocessor'), init_cfg)

    def pretrained_parts(self) -> Dict[str, nn.Module]:
        """What the checkpoint of ``init_cfg`` gives, by the prefix of its weights there; nothing
        leaves the checkpoint to mmengine."""
        return {}

    def init_weights(self) -> None:
        """Initialise; pretrained parts must fit.

        Raises:
            UserError: Weights of another model.
        """
        parts = self.pretrained_parts() if self.init_cfg else {}
        if not parts:
            super().init_weights()
            return
        pretrained, self.init_cfg = self.init_cfg, None
        super().init_weights()
        self.init_cfg = pretrained
        for prefix, part in parts.items():
            load_part(part, pretrained['checkpoint'], prefix)

    def parse_losses(self, losses: Mapping[str, Any]) -> Tuple[Tensor, Dict[str, Tensor]]:
        """Sum the entries whose key contains ``'loss'``.

        Args:
            losses: Tensors, or lists of tensors, each averaged over its elements.

        Returns:
            The sum, and all entries with it under ``'loss'``, for the log.
        """
        means = {key: sum(map(_mean, value)) if isinstance(value, (list, tuple)) else _mean(value)
                 for key, value in losses.items()}
        parts = [value for key, value in means.items() if 'loss' in key]
        if not parts:
            raise ValueError(f"no entry's key contains 'loss': {sorted(losses)}")
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        log = OrderedDict(loss=total.detach())
        log.update((key, value.detach()) for key, value in means.items())
        return total, log


def _mean(value: Tensor) -> Tensor:
    if not isinstance(value, Tensor):
        raise TypeError(f'a loss must be a tensor or a list of tensors, got {type(value)}')
    return value if value.dim() == 0 else value.mean()
