"""Whole clips mirrored in mmpose's lifters."""
from typing import List

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from mmviewpose.errors import UserError
from mmviewpose.registry import MODELS
from mmviewpose.skeletons import get_skeleton


@MODELS.register_module()
class MultiviewPoseDataPreprocessor(BaseDataPreprocessor):
    """mmpose's data preprocessor of ``PoseLifter``, and in training a random flip of whole clips.

    mmpose's ``RandomFlipAroundRoot`` flips each sample for itself, which would set the views of a
    clip against each other. Leave it out of the pipeline and let this flip V consecutive samples
    (``MultiviewBatchSampler``) together: x of the input negated, whose codecs have the middle of
    the image at 0; x of the root-relative target negated; left and right joints exchanged.

    Args:
        num_views: V.
        flip_prob: Share of the clips to flip.
        skeleton: Layout of the key points.
        non_blocking: As in mmengine.

    Raises:
        UserError: A batch is not whole clips.
    """

    def __init__(self, num_views: int = 2, flip_prob: float = 0.5, skeleton: str = 'h36m17',
                 non_blocking: bool = False) -> None:
        super().__init__(non_blocking)
        self.num_views, self.flip_prob = num_views, flip_prob
        self.flip_index = list(get_skeleton(skeleton).flip_index)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Move the data to the device; in training, stack the inputs and flip some clips.

        ``inputs`` are ``(T, K, C)`` each (MotionBERT) or ``(K * D, T)`` (VideoPose3D).
        """
        data = self.cast_data(data)
        if not training:
            return data
        inputs, samples = data['inputs'], data['data_samples']
        inputs = torch.stack(list(inputs)) if not isinstance(inputs, Tensor) else inputs
        clips, rest = divmod(len(inputs), self.num_views)
        if rest:
            raise UserError(f'a batch of {len(inputs)} samples is not whole clips of '
                            f'{self.num_views} views: is MultiviewBatchSampler in the config?')
        chosen = torch.rand(clips).lt(self.flip_prob).repeat_interleave(self.num_views)
        rows = chosen.nonzero()[:, 0].tolist()
        if rows:
            inputs = inputs.clone()
            inputs[rows] = self._flip_inputs(inputs[rows])
            self._flip_labels([samples[row] for row in rows])
        return dict(data, inputs=inputs)

    def _flip_inputs(self, inputs: Tensor) -> Tensor:
        if inputs.dim() == 4:
            return self._mirror(inputs)
        joints = len(self.flip_index)
        points = inputs.unflatten(1, (joints, -1)).permute(0, 3, 1, 2)  # (B, T, K, D)
        return self._mirror(points).permute(0, 2, 3, 1).flatten(1, 2)

    def _mirror(self, points: Tensor) -> Tensor:
        """Points ``(..., K, D)`` with x negated and sides exchanged."""
        points = points[..., self.flip_index, :]
        points[..., 0] *= -1
        return points

    def _flip_labels(self, samples: List) -> None:
        for sample in samples:
            labels = sample.gt_instance_labels
            labels.lifting_target_label = self._mirror(labels.lifting_target_label)
            weight = labels.lifting_target_weight[..., self.flip_index]
            labels.lifting_target_weight = weight
