"""Random changes of whole batches of clean poses.

All transforms here take and return a dict of tensors whose first axis is the sample. ``keypoints``
is ``(B, ..., K, 3)`` in mm, y up; the axes between are views or time and share a sample's draw
unless the docstring says otherwise.
"""
from typing import Dict, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor

from mmviewpose.datasets.bone_scaling import BoneScaling
from mmviewpose.geometry.rotation import random_rotations, rotate
from mmviewpose.registry import TRANSFORMS
from mmviewpose.skeletons import get_skeleton

Batch = Dict[str, Tensor]
POSE_KEYS = ('keypoints', 'corrupted')


def _uniform(low: float, high: float, *shape: int) -> Tensor:
    return torch.empty(shape).uniform_(low, high)


def _per_sample(value: Tensor, like: Tensor) -> Tensor:
    """Shape ``(B,)`` values to broadcast against ``(B, ..., K, 3)``."""
    return value.reshape(-1, *[1] * (like.dim() - 1))


@TRANSFORMS.register_module()
class MirrorPoses:
    """Mirror a share of the poses: x negated, left and right joints exchanged.

    Args:
        skeleton: Layout of the key points.
        prob: Share of mirrored samples.
    """

    def __init__(self, skeleton: str = 'ape17', prob: float = 0.5) -> None:
        self.flip_index = torch.tensor(get_skeleton(skeleton).flip_index)
        self.prob = prob

    def __call__(self, batch: Batch) -> Batch:
        poses = batch['keypoints']
        mirrored = poses.index_select(-2, self.flip_index) * poses.new_tensor([-1., 1., 1.])
        chosen = _per_sample(torch.rand(len(poses)) < self.prob, poses)
        batch['keypoints'] = torch.where(chosen, mirrored, poses)
        return batch


@TRANSFORMS.register_module()
class ScaleBones:
    """Give each sample bone lengths of its own: a factor a bone, the same left and right.

    Args:
        skeleton: Layout of the key points.
        factors: Range of the factors.
    """

    def __init__(self, skeleton: str = 'ape17',
                 factors: Tuple[float, float] = (0.75, 1.25)) -> None:
        self.scaling = BoneScaling(skeleton)
        self.factors = factors

    def __call__(self, batch: Batch) -> Batch:
        poses = batch['keypoints']
        drawn = _uniform(*self.factors, len(poses), self.scaling.num_factors)
        batch['keypoints'] = self.scaling(poses, drawn)
        return batch


@TRANSFORMS.register_module()
class ScalePoses:
    """Scale whole poses about the origin by a random factor a sample.

    Args:
        factors: Range of the factors.
    """

    def __init__(self, factors: Tuple[float, float] = (0.9, 1.1)) -> None:
        self.factors = factors

    def __call__(self, batch: Batch) -> Batch:
        poses = batch['keypoints']
        batch['keypoints'] = poses * _per_sample(_uniform(*self.factors, len(poses)), poses)
        return batch


@TRANSFORMS.register_module()
class RotatePoses:
    """Turn each sample about the origin by a random rotation of its own (R* of Sec. 3.3).

    Args:
        mode: ``'so3'``, any rotation, or ``'yaw'``, about the vertical axis.
        tilt_degrees: With ``'yaw'``, largest further tilt about a random horizontal axis.
        view: Number of the view (second axis) to turn; None turns the whole sample.
        keys: Poses turned together, where present.
    """

    def __init__(self, mode: str = 'so3', tilt_degrees: float = 0., view: Optional[int] = None,
                 keys: Sequence[str] = POSE_KEYS) -> None:
        self.mode, self.tilt_degrees, self.view, self.keys = mode, tilt_degrees, view, keys

    def __call__(self, batch: Batch) -> Batch:
        rotations = random_rotations(len(batch['keypoints']), mode=self.mode,
                                     tilt_degrees=self.tilt_degrees)
        for key in self.keys:
            if key in batch:
                batch[key] = self._turned(batch[key], rotations)
        return batch

    def _turned(self, poses: Tensor, rotations: Tensor) -> Tensor:
        if self.view is None:
            middle = [1] * (poses.dim() - 3)
            return rotate(poses, rotations.reshape(-1, *middle, 3, 3))
        views = list(poses.unbind(1))
        views[self.view] = rotate(views[self.view], rotations)
        return torch.stack(views, 1)


@TRANSFORMS.register_module()
class CopyToViews:
    """Repeat each pose as views of one instant: ``(B, K, 3)`` -> ``(B, V, K, 3)``.

    Args:
        num_views: V.
        keys: Poses to repeat, where present.
    """

    def __init__(self, num_views: int = 2, keys: Sequence[str] = POSE_KEYS) -> None:
        self.num_views, self.keys = num_views, keys

    def __call__(self, batch: Batch) -> Batch:
        for key in self.keys:
            if key in batch:
                poses = batch[key].unsqueeze(1)
                batch[key] = poses.expand(-1, self.num_views, *poses.shape[2:]).clone()
        return batch


@TRANSFORMS.register_module()
class CorruptJoints:
    """Move random joints to illegal positions (paper, Sec. 4.1).

    The paper moves 1 to 5 joints "with a relatively large displacement" and gives no length; 200
    to 600 mm in a random direction is a measured choice. Adds ``corrupted`` like ``keypoints``,
    ``moved`` ``(B, ..., K)`` bool and ``num_moved`` ``(B, ...)``. Every pose of a sample (each
    view) is corrupted on its own.

    Args:
        num_joints: Fewest and most joints to move.
        distance: Shortest and longest displacement, mm.
        clean_prob: Share of poses left as they are.
        jitter: Largest standard deviation of Gaussian noise on all joints, mm; each pose draws
            its own between 0 and this.
    """

    def __init__(self, num_joints: Union[int, Tuple[int, int]] = (1, 5),
                 distance: Tuple[float, float] = (200., 600.), clean_prob: float = 0.,
                 jitter: float = 0.) -> None:
        self.num_joints = (num_joints, num_joints) if isinstance(num_joints, int) else num_joints
        self.distance, self.clean_prob, self.jitter = distance, clean_prob, jitter

    def __call__(self, batch: Batch) -> Batch:
        poses = batch['keypoints']
        shape = poses.shape[:-2]
        corrupt = torch.rand(shape) >= self.clean_prob
        fewest, most = self.num_joints
        number = torch.randint(fewest, most + 1, shape) * corrupt
        rank = torch.rand(poses.shape[:-1]).argsort(-1)
        moved = rank < number[..., None]
        corrupted = poses + self._displacements(poses) * moved[..., None]
        if self.jitter:
            std = _uniform(0., self.jitter, *shape) * corrupt
            corrupted = corrupted + torch.randn_like(poses) * std[..., None, None]
        batch.update(corrupted=corrupted, moved=moved, num_moved=number)
        return batch

    def _displacements(self, poses: Tensor) -> Tensor:
        direction = torch.nn.functional.normalize(torch.randn_like(poses), dim=-1)
        return direction * _uniform(*self.distance, *poses.shape[:-1], 1)


@TRANSFORMS.register_module()
class PackPoses:
    """Make the batch of the denoising auto-encoder: ``inputs`` and ``data_samples``.

    Input and target are moved together so that the root joint **of the input** is the origin.
    Nothing of the clean pose is needed for that, at training or test, and the target keeps its
    true place relative to the input: errors are true errors in mm.

    Required keys: ``keypoints``; ``corrupted`` where there is one. Added: ``inputs``
    ``(B, ..., K, 3)`` and ``data_samples`` with ``target``, ``index`` and ``keys``.

    Args:
        root: Root joint.
        keys: What else goes into ``data_samples``, where present.
    """

    def __init__(self, root: int = 0,
                 keys: Sequence[str] = ('moved', 'num_moved', 'label', 'subject')) -> None:
        self.root, self.keys = root, keys

    def __call__(self, batch: Batch) -> dict:
        poses = batch.get('corrupted', batch['keypoints'])
        origin = poses[..., self.root:self.root + 1, :]
        samples = {key: batch[key] for key in ('index', *self.keys) if key in batch}
        samples['target'] = batch['keypoints'] - origin
        return dict(inputs=poses - origin, data_samples=samples)
