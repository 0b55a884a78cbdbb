"""3D poses of a 2D recording, from a trained lifter.

    from mmviewpose.apis import lift_recording, load_lifter
    lifter = load_lifter('configs/viewpose/CONFIG.py', 'work_dirs/CONFIG/epoch_10.pth')
    poses = lift_recording(lifter, keypoints, scores, image_size=(1920, 1080))   # (T, 17, 3) mm
"""
from pathlib import Path
from typing import Any, Mapping, NamedTuple, Sequence, Union

import numpy as np
import torch
from mmengine.registry import DefaultScope
from torch import nn

from mmviewpose.datasets.transforms import PackViews
from mmviewpose.engine.errors import UserError
from mmviewpose.engine.runner import load_config
from mmviewpose.geometry.scaled_perspective import (NOMINAL_FOCAL, image_to_plane,
                                                    known_or_nominal)
from mmviewpose.models.estimators import DepthLifter, SequenceLifter
from mmviewpose.models.weights import load_part
from mmviewpose.registry import MODELS
from mmviewpose.skeletons import get_skeleton

PathLike = Union[str, Path]
_USUAL = dict(num_frames=27, skeleton='h36m17')     # of the datasets of views


class Lifter(NamedTuple):
    """A trained lifter.

    Attributes:
        model: In evaluation mode.
        num_frames: Frames of the windows that it was trained on; 1 for a lifter of single poses.
        skeleton: Layout of its key points.
        focal: Nominal focal length of single poses, over the image's longer side.
        min_score: Least score of each joint of single poses.
    """
    model: nn.Module
    num_frames: int
    skeleton: str
    focal: float = NOMINAL_FOCAL
    min_score: float = 0.


def load_lifter(config: PathLike, checkpoint: PathLike) -> Lifter:
    """The lifter of a config and a checkpoint, on the CPU.

    Args:
        config: Config of a :class:`~mmviewpose.models.estimators.SequenceLifter`, or of a
            :class:`~mmviewpose.models.estimators.DepthLifter` of perspective 2D.
        checkpoint: What the Runner saved of it.

    Raises:
        UserError: A file is missing or broken, the weights are not those of the config's model,
            or it is not a lifter of what a camera sees.
    """
    cfg = load_config(str(config))
    with DefaultScope.overwrite_default_scope('mmviewpose'):
        kind = MODELS.get(str(cfg.model.get('type', '')))
        if not isinstance(kind, type) or not issubclass(kind, (DepthLifter, SequenceLifter)):
            raise UserError(f'{config}: the model must be a SequenceLifter or a DepthLifter, got '
                            f'{cfg.model.get("type")}')
        model = MODELS.build(cfg.model)
    load_part(model, str(checkpoint))
    if isinstance(model, DepthLifter):
        if model.projection != 'perspective':
            raise UserError(f'{config}: an orthographic lifter takes x and y of 3D poses, which no '
                            "camera gives; train one with projection='perspective'")
        dataset = (cfg.get('train_dataloader') or {}).get('dataset') or {}
        return Lifter(model.requires_grad_(False).eval(), 1, model.skeleton.name,
                      dataset.get('focal', NOMINAL_FOCAL), dataset.get('min_score', 0.2))
    dataset = _dataset(cfg)
    return Lifter(model.requires_grad_(False).eval(),
                  *(dataset.get(key, usual) for key, usual in _USUAL.items()))


def _dataset(cfg: Mapping[str, Any]) -> Mapping[str, Any]:
    loader = cfg.get('test_dataloader') or cfg.get('train_dataloader') or {}
    return loader.get('dataset') or {}


def lift_recording(lifter: Lifter, keypoints: np.ndarray, scores: np.ndarray,
                   image_size: Sequence[float]) -> np.ndarray:
    """Poses of one camera's recording, in its axes (x right, y down, z forward).

    Args:
        lifter: What :func:`load_lifter` gave.
        keypoints: (T, K, 2) px, in the lifter's layout (a detector's COCO joints are another;
            archives of ``multiview_keypoints.py`` are in it). Anything where the score is 0.
        scores: (T, K); 0: not seen.
        image_size: (width, height) px.

    Returns:
        (T, K, 3) float32 mm, relative to the root, at the lifter's nominal distance. A lifter of
        single poses needs all joints: frames without one are NaN.

    Raises:
        ValueError: The shapes do not fit.
    """
    shape = (len(keypoints), get_skeleton(lifter.skeleton).num_joints)
    if np.shape(keypoints) != (*shape, 2) or np.shape(scores) != shape or not len(keypoints):
        raise ValueError(f'layout {lifter.skeleton} needs key points (T, {shape[1]}, 2) and scores '
                         f'(T, {shape[1]}), got {np.shape(keypoints)} and {np.shape(scores)}')
    if np.shape(image_size) != (2, ):
        raise ValueError(f'image_size must be (width, height), got {image_size}')
    if isinstance(lifter.model, DepthLifter):
        return _lift_poses(lifter, np.asarray(keypoints, np.float32),
                           (np.asarray(scores) >= lifter.min_score).all(1), image_size)
    keypoints = np.where(np.asarray(scores)[..., None] > 0, keypoints, 0)
    length = min(lifter.num_frames, len(keypoints))
    # The last window ends where the recording does, and so may overlap the one before it.
    first = np.minimum(np.arange(0, len(keypoints), length), len(keypoints) - length)
    rows = first[:, None] + np.arange(length)
    points, scores = (torch.as_tensor(np.asarray(values, np.float32)[rows])
                      for values in (keypoints, scores))
    batch = PackViews()(dict(
        keypoints_2d=points, scores=scores, keypoints=points.new_zeros((*scores.shape, 3)),
        frame_mask=(scores > 0).any(-1), has_3d=torch.zeros(len(rows), dtype=torch.bool),
        intrinsics=points.new_full((len(rows), 4), float('nan')),
        image_size=points.new_tensor(image_size).expand(len(rows), 2)))
    poses = np.empty((*shape, 3), np.float32)
    with torch.no_grad():
        poses[rows] = lifter.model.test_step(batch)[0]['keypoints'].numpy()
    return poses


def _lift_poses(lifter: Lifter, keypoints: np.ndarray, seen: np.ndarray,
                image_size: Sequence[float]) -> np.ndarray:
    """Each of the frames ``(T,)`` that were seen on its own."""
    poses = np.full((*keypoints.shape[:2], 3), np.nan, np.float32)
    points = torch.as_tensor(keypoints[seen])
    size = points.new_tensor(image_size)[None]
    intrinsics = known_or_nominal(points.new_full((1, 4), float('nan')), size, lifter.focal)
    points = image_to_plane(points, intrinsics.expand(len(points), 4), lifter.model.distance)
    with torch.no_grad():
        lifted = lifter.model(points * points.new_tensor([1., -1.]))
    poses[seen] = (lifted * lifted.new_tensor([1., -1., -1.])).numpy()
    return poses
