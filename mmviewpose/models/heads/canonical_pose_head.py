"""From an embedding to a pose about its root."""
from typing import List, Sequence

import torch
from torch import Tensor, nn

from mmviewpose.errors import UserError
from mmviewpose.registry import MODELS
from mmviewpose.skeletons import get_skeleton


@MODELS.register_module()
class CanonicalPoseHead(nn.Module):
    """An embedding to all joints but the root, each coordinate in units of its standard deviation
    from its mean (R. Mitra et al., "Multiview-consistent semi-supervised learning for 3D human pose
    estimation", 2020, Sec. 4).

    The paper's "FC layers FC(128, 48)" are read as two layers of 128 and 48 units, with ReLU
    between; ``hidden=()`` is the other reading, one layer from 128 to 48.

    Embeddings are of length 1; they are multiplied by the root of D first, so that their numbers
    are of order 1 and the head learns from the start on.

    Mean and deviation are buffers, and so in checkpoints. A new head does not know them.

    Args:
        in_channels: D of the embedding.
        skeleton: Layout of the K joints.
        hidden: Units of the layers before the last.
        min_std: Least deviation, mm: a coordinate that hardly varies, as one of the left hip in
            canonical poses, is not blown up.

    Attributes:
        mean: ``(K - 1, 3)`` mm.
        std: ``(K - 1, 3)`` mm; 0 while nobody has set it.

    Raises:
        ValueError: ``min_std`` is not above 0.
    """

    def __init__(self, in_channels: int = 128, skeleton: str = 'h36m17',
                 hidden: Sequence[int] = (128,), min_std: float = 1.) -> None:
        super().__init__()
        if min_std <= 0:
            raise ValueError(f'min_std must be above 0, got {min_std}')
        tree = get_skeleton(skeleton)
        self.num_joints, self.min_std = tree.num_joints, min_std
        self.scale = in_channels ** .5
        layers: List[nn.Module] = []
        for units in hidden:
            layers += [nn.Linear(in_channels, units), nn.ReLU(inplace=True)]
            in_channels = units
        layers.append(nn.Linear(in_channels, 3 * (self.num_joints - 1)))
        self.layers = nn.Sequential(*layers)
        self.register_buffer('joints', torch.tensor(
            [joint for joint in range(self.num_joints) if joint != tree.root]), persistent=False)
        self.register_buffer('mean', torch.zeros(self.num_joints - 1, 3))
        self.register_buffer('std', torch.zeros(self.num_joints - 1, 3))

    @property
    def knows_statistics(self) -> bool:
        """Whether mean and deviation were set, here or before the checkpoint that was loaded."""
        return bool(self.std.all())

    @torch.no_grad()
    def set_statistics(self, mean: Tensor, std: Tensor) -> None:
        """Set mean and standard deviation of training poses.

        Args:
            mean: Of all joints, the root as well, ``(K, 3)`` mm.
            std: The same.

        Raises:
            ValueError: Another shape, or a number that is not finite.
        """
        for name, value in (('mean', mean), ('std', std)):
            if value.shape != (self.num_joints, 3) or not value.isfinite().all():
                raise ValueError(f'{name} of poses must be {(self.num_joints, 3)} and finite, got '
                                 f'{tuple(value.shape)}')
        joints = self.joints.to(mean.device)
        self.mean.copy_(mean[joints])
        self.std.copy_(std[joints].clamp_min(self.min_std))

    def check_statistics(self) -> None:
        """Refuse to work without mean and deviation.

        Raises:
            UserError: Nobody set them.
        """
        if not self.knows_statistics:
            raise UserError('the pose head does not know mean and deviation of poses: train with '
                            "custom_hooks=[dict(type='PoseStatisticsHook')], or load a checkpoint")

    def forward(self, embeddings: Tensor) -> Tensor:
        """Embeddings ``(B, D)`` to normalised joints ``(B, K - 1, 3)``."""
        return self.layers(self.scale * embeddings).unflatten(-1, (-1, 3))

    def normalise(self, poses: Tensor) -> Tensor:
        """Poses ``(B, K, 3)`` about their root, mm, to what :meth:`forward` should give."""
        return (poses.index_select(-2, self.joints) - self.mean) / self.std

    def predict(self, embeddings: Tensor) -> Tensor:
        """Embeddings ``(B, D)`` to poses ``(B, K, 3)`` in mm, the root at 0.

        Raises:
            UserError: Nobody set mean and deviation.
        """
        self.check_statistics()
        joints = self(embeddings) * self.std + self.mean
        poses = joints.new_zeros(len(joints), self.num_joints, 3)
        return poses.index_copy(-2, self.joints, joints)
