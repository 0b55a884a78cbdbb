"""From a coupled feature back to a pose."""
import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmviewpose.layers.linear import tanh_linear
from mmviewpose.layers.tree_rnn import SeBiReNet
from mmviewpose.registry import MODELS
from mmviewpose.skeletons import get_skeleton


@MODELS.register_module()
class SeBiReNetDecoder(BaseModule):
    """Two layers with tanh, a SeBiReNet and a linear layer (paper, Fig. 2).

    Args:
        skeleton: Layout of the joints.
        feature_channels: C of the feature.
        channels: Widths of the two layers.
        hidden_channels: Units of a node. The published code has 3, a bottleneck; 32 like the
            encoder's recovers better (docs, results).
        unit: The last layer's output is multiplied by this, mm.
        **tree: Passed to :class:`SeBiReNet`.
    """

    def __init__(self, skeleton: str = 'ape17', feature_channels: int = 16,
                 channels: tuple = (16, 32), hidden_channels: int = 32, unit: float = 250.,
                 **tree) -> None:
        super().__init__()
        self.unit = unit
        self.layers = nn.Sequential(tanh_linear(feature_channels, channels[0]), nn.Tanh(),
                                    tanh_linear(channels[0], channels[1]), nn.Tanh())
        self.tree = SeBiReNet(get_skeleton(skeleton).parents, channels[1], hidden_channels, **tree)
        self.output = nn.Linear(self.tree.out_channels, 3)

    def forward(self, feature: Tensor) -> Tensor:
        """Decode ``(N, K, C)`` to poses ``(N, K, 3)`` in mm."""
        return self.output(self.tree(self.layers(feature))) * self.unit


@MODELS.register_module()
class MLPDecoder(BaseModule):
    """Three layers over all joints: the decoder with which Table 1 compares encoders.

    Args:
        skeleton: Layout of the joints.
        feature_channels: C of the feature.
        hidden_channels: Width of the two hidden layers.
        unit: The last layer's output is multiplied by this, mm.
    """

    def __init__(self, skeleton: str = 'ape17', feature_channels: int = 16,
                 hidden_channels: int = 256, unit: float = 250.) -> None:
        super().__init__()
        joints = get_skeleton(skeleton).num_joints
        self.unit = unit
        self.layers = nn.Sequential(
            tanh_linear(joints * feature_channels, hidden_channels), nn.Tanh(),
            tanh_linear(hidden_channels, hidden_channels), nn.Tanh(),
            nn.Linear(hidden_channels, joints * 3))

    def forward(self, feature: Tensor) -> Tensor:
        """Decode ``(N, K, C)`` to poses ``(N, K, 3)`` in mm."""
        poses = self.layers(feature.flatten(1)).unflatten(-1, (feature.shape[1], 3))
        return torch.mul(poses, self.unit)
