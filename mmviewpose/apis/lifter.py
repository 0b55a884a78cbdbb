"""3D poses of a 2D recording, from a trained lifter.

    from mmviewpose.apis import lift_recording, load_lifter
    lifter = load_lifter('configs/viewpose/CONFIG.py', 'work_dirs/CONFIG/epoch_10.pth')
    poses = lift_recording(lifter, keypoints, scores, image_size=(1920, 1080))   # (T, 17, 3) mm
"""
from pathlib import Path
from typing import Any, Mapping, NamedTuple, Sequence, Union

import numpy as np
import torch
from torch import nn

from mmviewpose.datasets.transforms import PackViews
from mmviewpose.engine.errors import UserError
from mmviewpose.engine.runner import load_config
from mmviewpose.models.weights import load_part
from mmviewpose.registry import MODELS
from mmviewpose.skeletons import get_skeleton

PathLike = Union[str, Path]
_USUAL = dict(num_frames=27, skeleton='h36m17')     # of the datasets of views


class Lifter(NamedTuple):
    """A trained lifter of sequences.

    Attributes:
        model: In evaluation mode.
        num_frames: Frames of the windows that it was trained on.
        skeleton: Layout of its key points.
    """
    model: nn.Module
    num_frames: int
    skeleton: str


def load_lifter(config: PathLike, checkpoint: PathLike) -> Lifter:
    """The lifter of a config and a checkpoint, on the CPU.

    Args:
        config: Config of a :class:`~mmviewpose.models.estimators.SequenceLifter`.
        checkpoint: What the Runner saved of it.

    Raises:
        UserError: A file is missing or broken, the weights are not those of the config's model,
            or it is not a lifter of sequences.
    """
    cfg = load_config(str(config))
    if str(cfg.model.get('type', '')).split('.')[-1] != 'SequenceLifter':
        raise UserError(f'{config}: the model must be a SequenceLifter, got '
                        f'{cfg.model.get("type")}')
    model = MODELS.build(cfg.model)
    load_part(model, str(checkpoint))
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
        (T, K, 3) float32 mm, relative to the root, at the lifter's nominal distance.

    Raises:
        ValueError: The shapes do not fit.
    """
    shape = (len(keypoints), get_skeleton(lifter.skeleton).num_joints)
    if np.shape(keypoints) != (*shape, 2) or np.shape(scores) != shape or not len(keypoints):
        raise ValueError(f'layout {lifter.skeleton} needs key points (T, {shape[1]}, 2) and scores '
                         f'(T, {shape[1]}), got {np.shape(keypoints)} and {np.shape(scores)}')
    if np.shape(image_size) != (2, ):
        raise ValueError(f'image_size must be (width, height), got {image_size}')
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
