"""Transforms of batches of recordings of one camera, ``frames`` ``(B, T, C, H, W)`` uint8."""
from typing import Dict, Mapping, Sequence

import torch
from torch import Tensor

from mmviewpose.datasets.transforms.encode_poses import check_encoder
from mmviewpose.registry import MODELS, TRANSFORMS

Batch = Dict[str, Tensor]
CHUNK = 256  # images encoded at a time: bounds the memory


@TRANSFORMS.register_module()
class EncodeImages:
    """Images to what a frozen pose encoder finds in them.

    As ``encode`` of a ``RenderedSequenceDataset`` it runs once over all frames; what is learnt on
    top is then several times faster than with the encoder in the loop.

    Args:
        encoder: Config of the encoder, with its ``init_cfg``, such as ``PoseImageBackbone``.
    """

    def __init__(self, encoder: dict) -> None:
        self.encoder = MODELS.build(encoder)
        self.encoder.init_weights()
        self.encoder.requires_grad_(False).eval()

    @classmethod
    def check_files(cls, cfg: Mapping) -> None:
        """Check that the encoder's checkpoint is there.

        Raises:
            UserError: Names it.
        """
        check_encoder(cfg['encoder'], 'configs/viewpose/uvi_mocap.py')

    @torch.no_grad()
    def __call__(self, batch: Batch) -> Batch:
        """``frames`` ``(..., C, H, W)`` become features ``(..., D)``."""
        frames = batch['frames']
        flat = frames.flatten(0, -4)
        codes = torch.cat([self.encoder(part) for part in flat.split(CHUNK)])
        batch['frames'] = codes.reshape(*frames.shape[:-3], -1)
        return batch


@TRANSFORMS.register_module()
class PackFrames:
    """Make the batch of mmaction2's recognizers.

    ``inputs`` is ``(B, 1, 1, T, ...)``: one clip, one person. ``data_samples`` holds ``label``,
    ``index`` and ``keys``; ``ActionBatchPreprocessor`` makes mmaction2's samples of it.

    Args:
        keys: Further entries, where present.
    """

    def __init__(self, keys: Sequence[str] = ('subject', 'camera', 'sequence')) -> None:
        self.keys = ('label', 'index', *keys)

    def __call__(self, batch: Batch) -> dict:
        return dict(inputs=batch['frames'][:, None, None],
                    data_samples={key: batch[key] for key in self.keys if key in batch})
