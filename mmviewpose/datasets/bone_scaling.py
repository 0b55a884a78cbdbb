"""Bone lengths of poses times factors that left and right share."""
import torch
from torch import Tensor

from mmviewpose.skeletons import Skeleton, get_skeleton


class BoneScaling:
    """Changes the lengths of bones; directions, and the root's place, stay.

    Args:
        skeleton: Layout of the poses.
    """

    def __init__(self, skeleton: str) -> None:
        tree = get_skeleton(skeleton)
        self.root = tree.root
        self.child, self.parent = torch.tensor(tree.bones).T
        self.factor_of_bone = _shared_factors(tree)
        self.path = _paths_from_root(tree)

    @property
    def num_factors(self) -> int:
        """D: the bones, but a left one and its right twin count once."""
        return int(self.factor_of_bone.max()) + 1

    def __call__(self, poses: Tensor, factors: Tensor) -> Tensor:
        """Poses ``(B, ..., K, 3)`` with bones times factors ``(B, D)``."""
        bones = poses.index_select(-2, self.child) - poses.index_select(-2, self.parent)
        factor = factors[:, self.factor_of_bone].reshape(
            len(poses), *[1] * (poses.dim() - 3), -1, 1)
        root = poses[..., self.root:self.root + 1, :]
        return root + self.path @ (bones * factor)


def _shared_factors(tree: Skeleton) -> Tensor:
    """Number of the factor of each bone; a left bone and its right twin share one."""
    number = list(range(len(tree.bones)))
    for left, right in tree.symmetric_bones:
        number[right] = number[left]
    return torch.unique(torch.tensor(number), return_inverse=True)[1]


def _paths_from_root(tree: Skeleton) -> Tensor:
    """``(K, bones)`` matrix with 1 where a bone lies between the root and the joint."""
    number = {child: bone for bone, (child, _) in enumerate(tree.bones)}
    path = torch.zeros(tree.num_joints, len(tree.bones))
    for joint in range(tree.num_joints):
        ancestor = joint
        while ancestor != tree.root:
            path[joint, number[ancestor]] = 1.
            ancestor = tree.parents[ancestor]
    return path
