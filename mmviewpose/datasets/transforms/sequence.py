"""Transforms of batches of pose sequences, ``keypoints`` ``(B, T, K, 3)`` in mm, y up.

Sequences of M people are ``(B, M, T, K, 3)``, all zeros for nobody.
"""
from typing import Dict, Optional, Sequence, Tuple

import torch
from torch import Tensor

from mmviewpose.functional.skeleton_terms import bone_lengths
from mmviewpose.registry import TRANSFORMS
from mmviewpose.skeletons import get_skeleton

Batch = Dict[str, Tensor]


@TRANSFORMS.register_module()
class ScaleToBoneLength:
    """Scale each person's sequence, its path included, to one total bone length.

    The length is the median over the sequence's frames, so that single flying joints do not
    change it.

    Args:
        skeleton: Layout of the key points.
        total: Sum of all bone lengths afterwards, mm.
    """

    def __init__(self, skeleton: str = 'ape17', total: float = 3900.) -> None:
        self.bones = get_skeleton(skeleton).bones
        self.total = total

    def __call__(self, batch: Batch) -> Batch:
        poses = batch['keypoints']
        length = bone_lengths(poses, self.bones).sum(-1).median(-1).values  # (B,) or (B, M)
        factor = torch.where(length > 0, self.total / length, 0.)
        batch['keypoints'] = poses * factor[..., None, None, None]
        return batch


@TRANSFORMS.register_module()
class ResampleFrames:
    """Resample each sequence to ``num_frames``, of the whole or of a random part.

    Args:
        num_frames: Frames afterwards.
        crop: Shortest and longest share of the sequence to keep, placed at random; None keeps all.
    """

    def __init__(self, num_frames: int = 40, crop: Optional[Tuple[float, float]] = None) -> None:
        self.num_frames, self.crop = num_frames, crop

    def __call__(self, batch: Batch) -> Batch:
        poses = batch['keypoints']
        size, frames = len(poses), poses.shape[-3]
        share, start = torch.ones(size, 1), torch.zeros(size, 1)
        if self.crop:
            share = torch.empty(size, 1).uniform_(*self.crop)
            start = torch.rand(size, 1) * (1 - share)
        moment = (start + share * torch.linspace(0, 1, self.num_frames)) * (frames - 1)  # (B, T')
        before = moment.floor().long().clamp_max(max(frames - 2, 0))
        after = (before + 1).clamp_max(frames - 1)
        weight = (moment - before).to(poses.dtype)
        weight = weight.reshape(*weight.shape, *[1] * (poses.dim() - 2))
        row = torch.arange(size)[:, None]
        poses = poses.movedim(-3, 1)  # people, if any, after time
        resampled = torch.lerp(poses[row, before], poses[row, after], weight)
        batch['keypoints'] = resampled.movedim(1, -3)
        return batch


@TRANSFORMS.register_module()
class PackActions:
    """Make the batch of mmaction2's skeleton recognizers.

    ``inputs`` is ``(B, 1, M, T, K, 3)``: one clip, M people (1, or the second axis of
    ``(B, M, T, K, 3)`` key points). ``data_samples`` holds ``label``, ``index`` and ``keys``;
    ``ActionBatchPreprocessor`` makes mmaction2's samples of it.

    Args:
        keys: Further entries, where present.
    """

    def __init__(self, keys: Sequence[str] = ('subject', 'view')) -> None:
        self.keys = ('label', 'index', *keys)

    def __call__(self, batch: Batch) -> dict:
        poses = batch['keypoints']
        clips = poses[:, None] if poses.dim() == 5 else poses[:, None, None]
        return dict(inputs=clips,
                    data_samples={key: batch[key] for key in self.keys if key in batch})
