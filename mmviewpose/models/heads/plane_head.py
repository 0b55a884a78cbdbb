"""From a feature of each frame to places of joints."""
from torch import Tensor, nn

from mmviewpose.registry import MODELS


@MODELS.register_module()
class PlaneHead(nn.Module):
    """A linear map from the feature of a frame to x, y and relative depth of every joint.

    Args:
        in_channels: C of the features.
        num_joints: K.
    """

    def __init__(self, in_channels: int, num_joints: int = 17) -> None:
        super().__init__()
        self.num_joints = num_joints
        self.linear = nn.Linear(in_channels, 3 * num_joints)

    def forward(self, features: Tensor) -> Tensor:
        """Features ``(B, T, C)`` to ``(B, T, K, 3)``."""
        return self.linear(features).unflatten(-1, (self.num_joints, 3))
