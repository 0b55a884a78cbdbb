"""A residual network as the pose encoder of images."""
from typing import Optional

from mmengine.model import BaseModule
from torch import Tensor, nn

from mmviewpose.registry import MODELS


@MODELS.register_module()
class ResNetPoseEncoder(BaseModule):
    """An image to its canonical pose, ``(B, C, S, S)`` -> ``(B, N, 3)``, by mmpose's ResNet: the
    "2D ResNet" of F. Sardari et al., "Unsupervised view-invariant human posture representation",
    2021, Table 3, which the paper does not describe further.

    The mean of the last feature map goes through one linear layer. S is arbitrary; the map has a
    32nd of it.

    Args:
        backbone: Config of an mmpose ResNet of any depth or kind; ResNet-18 by default.
        num_points: N, the number of 3D pose features.

    Attributes:
        num_points: N.
    """

    def __init__(self, backbone: Optional[dict] = None, num_points: int = 70,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg)
        self.num_points = num_points
        self.backbone = MODELS.build(backbone or dict(type='mmpose.ResNet', depth=18))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dense = nn.Linear(self.backbone.feat_dim, 3 * num_points)

    @property
    def output(self) -> nn.Linear:
        """The last layer, to 3N features."""
        return self.dense

    def forward(self, images: Tensor) -> Tensor:
        """Images with values in [0, 1]."""
        features = self.backbone(images)[-1]
        return self.dense(self.pool(features).flatten(1)).unflatten(-1, (self.num_points, 3))
