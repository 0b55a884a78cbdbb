"""Transforms of batches of images with poses."""
from typing import Dict

from torch import Tensor

from mmviewpose.registry import TRANSFORMS

Batch = Dict[str, Tensor]


@TRANSFORMS.register_module()
class PackPoseImages:
    """``images`` ``(B, 3, S, S)`` to ``inputs``, the rest to ``data_samples``."""

    def __call__(self, batch: Batch) -> dict:
        return dict(inputs=batch.pop('images'), data_samples=batch)
