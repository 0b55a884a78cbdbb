"""Features of a frozen encoder, computed once instead of in every epoch."""
from pathlib import Path
from typing import Mapping

import torch
from torch import Tensor

from mmviewpose.errors import UserError
from mmviewpose.registry import MODELS, TRANSFORMS
from mmviewpose.skeletons import get_skeleton

Batch = dict
CHUNK = 4096  # poses encoded at a time: bounds the memory


@TRANSFORMS.register_module()
class EncodePoses:
    """Append the view-invariant feature of a frozen pose encoder to each joint's coordinates.

    In a dataset's ``prepare`` it runs once over all (augmented) copies; the probe then trains on
    the stored features, several times faster than with the encoder in the loop.
    ``PoseSequenceEncoder(feature_channels=C)`` reads them.

    Args:
        encoder: Config of the encoder, with its ``init_cfg``.
    """

    def __init__(self, encoder: dict) -> None:
        self.encoder = MODELS.build(encoder)
        self.encoder.init_weights()
        self.encoder.requires_grad_(False).eval()
        self.root = get_skeleton(self.encoder.skeleton).root

    @classmethod
    def check_files(cls, cfg: Mapping) -> None:
        """Check that the encoder's checkpoint is there.

        Raises:
            UserError: Names it.
        """
        check_encoder(cfg['encoder'], 'configs/viewpose/sebirenet_mocap.py')

    def __call__(self, batch: Batch) -> Batch:
        """``keypoints`` ``(..., K, 3)`` in mm become ``(..., K, 3 + C)``."""
        positions = batch['keypoints']
        poses = (positions - positions[..., self.root:self.root + 1, :]).reshape(
            -1, *positions.shape[-2:])
        features = self._encode(poses).reshape(*positions.shape[:-1], -1)
        batch['keypoints'] = torch.cat([positions, features], -1)
        return batch

    @torch.no_grad()
    def _encode(self, poses: Tensor) -> Tensor:
        return torch.cat([self.encoder(part).view_invariant for part in poses.split(CHUNK)])


def check_encoder(cfg: Mapping, config: str) -> None:
    """Check that the checkpoint of an encoder's config is there.

    Args:
        cfg: Config of the encoder.
        config: Which config trains one, for the message, unless the checkpoint is to lie in
            ``work_dirs/NAME`` and there is a config of that name beside it.

    Raises:
        UserError: Names it.
    """
    checkpoint = (cfg.get('init_cfg') or {}).get('checkpoint')
    if checkpoint and '://' not in checkpoint and not Path(checkpoint).is_file():
        own = Path(config).with_name(f'{Path(checkpoint).parent.name}.py')
        how = f'train it with {own}' if own.is_file() else f'train one, e.g. with {config}'
        raise UserError(f'encoder checkpoint not found: {checkpoint}; {how}, or '
                        'give another: --cfg-options encoder_checkpoint=FILE')
