"""The encoder of SeBiReNet's denoising auto-encoder."""
from typing import NamedTuple, Optional

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmviewpose.layers.linear import tanh_linear
from mmviewpose.layers.tree_rnn import SeBiReNet
from mmviewpose.models.weights import load_part
from mmviewpose.registry import MODELS
from mmviewpose.skeletons import get_skeleton


class PoseCode(NamedTuple):
    """Representation of a pose (paper, Sec. 3.1).

    Attributes:
        view_invariant: h_vi, ``(N, K, C)``: the pose, a feature a joint.
        view: h_v, ``(N, C, C)``: the view; None where the encoder does not decompose.
    """
    view_invariant: Tensor
    view: Optional[Tensor]

    def couple(self) -> Tensor:
        """The product of h_vi and h_v (Eq. 2 with matrix multiplication, Sec. 3.3)."""
        return self.view_invariant if self.view is None else self.view_invariant @ self.view


@MODELS.register_module()
class SeBiReNetEncoder(BaseModule):
    """Poses to a view-invariant and a view-dependent feature (paper, Fig. 2).

    A SeBiReNet over the joints, then one layer with tanh that every joint shares for h_vi, and
    one linear layer over all joints for h_v.

    Args:
        skeleton: Layout of the joints.
        in_channels: Coordinates of a joint: 3, or 2 for the 2D encoder of Sec. 4.5.
        hidden_channels: Units of a node (32 in the paper).
        feature_channels: C.
        decompose: Learn h_v beside h_vi (rows "FD" and below of Table 3).
        unit: Poses are divided by this, mm, about the spread of joints around the root: one
            isotropic scale keeps bone lengths in proportion.
        init_cfg: mmengine's, e.g. ``dict(type='Pretrained', checkpoint=..., prefix='encoder.')``.
        **tree: Passed to :class:`SeBiReNet`: ``cell``, ``gate_bias``, ``output_layer``,
            ``structure``, ``num_passes``.
    """

    def __init__(self, skeleton: str = 'ape17', in_channels: int = 3, hidden_channels: int = 32,
                 feature_channels: int = 16, decompose: bool = True, unit: float = 250.,
                 init_cfg: Optional[dict] = None, **tree) -> None:
        super().__init__(init_cfg)
        parents = get_skeleton(skeleton).parents
        self.skeleton, self.unit = skeleton, unit
        self.num_joints, self.feature_channels = len(parents), feature_channels
        self.tree = SeBiReNet(parents, in_channels, hidden_channels, **tree)
        width = self.tree.out_channels
        self.pose_layer = tanh_linear(width, feature_channels)
        self.view_layer = (nn.Linear(self.num_joints * width, feature_channels ** 2)
                           if decompose else None)
        if decompose:
            # Nearly orthogonal at first: the decoder then sees the pose, not noise times it.
            nn.init.xavier_uniform_(self.view_layer.weight, gain=0.1)
            self.view_layer.bias.data.copy_(torch.eye(feature_channels).flatten())

    @property
    def out_channels(self) -> int:
        """Channels of a flat h_vi: joints times C."""
        return self.num_joints * self.feature_channels

    def forward(self, poses: Tensor) -> PoseCode:
        """Encode root-centred poses, ``(N, K, in_channels)`` in mm."""
        hidden = self.tree(poses / self.unit)  # (N, K, width)
        view_invariant = torch.tanh(self.pose_layer(hidden))
        if self.view_layer is None:
            return PoseCode(view_invariant, None)
        view = self.view_layer(hidden.flatten(1))
        size = self.feature_channels
        return PoseCode(view_invariant, view.unflatten(-1, (size, size)))

    def init_weights(self) -> None:
        """Load the pretrained weights of ``init_cfg``, if any; they must fit.

        Raises:
            RuntimeError: Weights of another model.
        """
        if self.init_cfg and self.init_cfg.get('type') == 'Pretrained':
            load_part(self, self.init_cfg['checkpoint'], self.init_cfg.get('prefix', ''))
            self._is_init = True
        else:
            super().init_weights()
