"""Poses in axes of the person's own."""
from typing import Dict

from torch import Tensor

from mmviewpose.geometry.canonical_pose import canonical_pose
from mmviewpose.geometry.rotation import vertical_axis
from mmviewpose.registry import TRANSFORMS
from mmviewpose.skeletons import get_skeleton

Batch = Dict[str, Tensor]


@TRANSFORMS.register_module()
class CanonicalPose:
    """Turn each pose about the vertical until its left hip is over +x (R. Mitra et al.,
    "Multiview-consistent semi-supervised learning for 3D human pose estimation", 2020, Eq. 3), see
    :func:`mmviewpose.geometry.canonical_pose`.

    Replaces ``pose`` ``(B, ..., K, 3)`` by the pose about its root, in the same unit. Zeros stay
    zeros.

    Args:
        skeleton: Layout of the joints, with a left hip.
        up: Axis that points up, such as ``'+y'``.
        rotate: False leaves poses in the world's axes, about their root: the "global pose" of the
            paper's Table 2.

    Raises:
        ValueError: The layout has no left hip, or ``up`` is unknown.
    """

    def __init__(self, skeleton: str = 'h36m17', up: str = '+y', rotate: bool = True) -> None:
        vertical_axis(up)  # complains here, not in the middle of a run
        tree = get_skeleton(skeleton)
        self.root, self.left_hip = tree.root, tree.index('left_hip')
        self.up, self.rotate = up, rotate

    def __call__(self, batch: Batch) -> Batch:
        poses = batch['pose']
        if self.rotate:
            batch['pose'] = canonical_pose(poses, self.root, self.left_hip, self.up)
        else:
            batch['pose'] = poses - poses[..., self.root, None, :]
        return batch
