"""Temporal convolutions over whole windows."""
import torch
from mmengine.model import BaseModule
from torch import Tensor
from torch.nn import functional as F

from mmviewpose.registry import MODELS


@MODELS.register_module()
class TemporalConvBackbone(BaseModule):
    """mmpose's ``TCN`` (VideoPose3D), a feature for every frame of a window.

    The ends of a window are repeated for as many frames as the convolutions take off.

    Args:
        num_joints, in_channels: K and C of the input.
        stem_channels: C' of the features.
        kernel_sizes: Of the convolutions, the first and then one a block; each is dilated by the
            product of those before it.
        dropout: Of the blocks.
    """

    def __init__(self, num_joints: int = 17, in_channels: int = 3, stem_channels: int = 256,
                 kernel_sizes=(3, 3, 3), dropout: float = 0.1) -> None:
        super().__init__()
        self.tcn = MODELS.build(dict(
            type='mmpose.TCN', in_channels=num_joints * in_channels, stem_channels=stem_channels,
            num_blocks=len(kernel_sizes) - 1, kernel_sizes=tuple(kernel_sizes), dropout=dropout))
        field = torch.tensor(kernel_sizes).prod().item()
        self.padding = (field - 1) // 2

    def forward(self, x: Tensor) -> Tensor:
        """Windows ``(B, T, K, C)`` to features ``(B, T, C')``."""
        x = x.flatten(2).transpose(1, 2)
        x = F.pad(x, (self.padding, self.padding), mode='replicate')
        return self.tcn(x)[-1].transpose(1, 2)
