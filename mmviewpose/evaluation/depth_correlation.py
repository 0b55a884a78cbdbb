"""Whether predicted depths have the right sign."""
from typing import Dict, Sequence, Union

import torch
from torch import Tensor

from mmviewpose.registry import METRICS
from mmviewpose.skeletons import get_skeleton, partition

from .base import BatchedMetric, Column


@METRICS.register_module()
class DepthCorrelation(BatchedMetric):
    """Correlation of predicted and true depths about the root, of the whole body and of parts.

    ``sum z z' / sqrt(sum z^2 sum z'^2)`` over all poses and joints: 1 where depths are right up to
    a factor, -1 where they are mirrored, 0 for flat poses. Results are ``depth-correlation`` and
    ``depth-correlation/PART``. Alignment that allows a reflection hides what this shows.

    Args:
        skeleton: Layout of the poses.
        parts: Grouping of the joints, see :func:`~mmviewpose.skeletons.partition`.
        pred_key: Field of the predicted poses ``(B, K, 3)``.
        target_key: Field of the true poses.
        **kwargs: ``collect_device``, ``prefix``, ``collect_dir``.
    """

    def __init__(self, skeleton: str = 'ape17', parts: Union[str, dict] = 'leg-torso',
                 pred_key: str = 'keypoints', target_key: str = 'target', **kwargs) -> None:
        super().__init__([pred_key, target_key], **kwargs)
        tree = get_skeleton(skeleton)
        self.root, self.num_joints = tree.root, tree.num_joints
        self.parts = partition(tree, parts, leave_out=[tree.root])
        self.pred_key, self.target_key = pred_key, target_key

    def compute(self, results: Dict[str, Column]) -> Dict[str, float]:
        """The correlations of the whole data set.

        Raises:
            ValueError: Poses are not ``(B, K, 3)`` in this layout.
        """
        depths = []
        for key in (self.pred_key, self.target_key):
            poses = results[key].double()
            if poses.dim() != 3 or poses.shape[1:] != (self.num_joints, 3):
                raise ValueError(f'{key!r} must be (B, {self.num_joints}, 3), got '
                                 f'{tuple(poses.shape)}')
            depths.append(poses[..., 2] - poses[:, self.root, None, 2])
        found = {'depth-correlation': _correlation(*depths, range(self.num_joints))}
        for name, joints in self.parts.items():
            found[f'depth-correlation/{name}'] = _correlation(*depths, joints)
        return found


def _correlation(first: Tensor, second: Tensor, joints: Sequence[int]) -> float:
    first, second = first[:, list(joints)].flatten(), second[:, list(joints)].flatten()
    sizes = torch.dot(first, first) * torch.dot(second, second)
    return float(torch.dot(first, second) / sizes.sqrt()) if sizes > 0 else 0.
