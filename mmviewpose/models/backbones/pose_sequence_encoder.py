"""Sequences of poses to sequences of features, for mmaction2's recognizers."""
from typing import Optional

import torch
from torch import Tensor, nn

from mmviewpose.models.backbones.encoder_backbone import EncoderBackbone
from mmviewpose.registry import MODELS
from mmviewpose.skeletons import get_skeleton

TRANSLATIONS = {None: 0, 'root': 3, 'relative': 3}
POSES = ('centred', 'raw', 'normalised')


@MODELS.register_module()
class PoseSequenceEncoder(EncoderBackbone):
    """A pose feature a frame, the body's translation beside it, and a one-layer LSTM over time.

    The downstream model of the paper's Sec. 4.3: the pretrained encoder stays as it is and only
    the classifier learns. Its translation is "concatenated together with the learned
    pose-dependent feature". Works as the backbone of mmaction2's ``RecognizerGCN`` with its
    ``GCNHead``, which averages what comes out over time.

    Args:
        encoder: Config of a pose encoder whose h_vi is the feature; None feeds the joints
            themselves (the baselines).
        skeleton: Layout of the joints.
        poses: What the joints are relative to: ``'centred'`` on the root; ``'raw'``, as they are
            in the camera's frame; ``'normalised'``, less the mean position of the frame's joints
            and divided by their standard deviation (the paper's two baselines).
        translation: ``None``; ``'root'``, the root's position relative to the first frame's, in
            the camera's axes; ``'relative'``, the same in three numbers that do not depend on
            the direction of view: height change, horizontal distance from the start and
            horizontal speed a frame.
        feature_channels: Features a joint that stand behind its coordinates in the input, as the
            transform ``EncodePoses`` puts them there; they are read instead of the joints. 0: none.
        frozen: Keep the encoder as it is; False fine-tunes it.
        hidden_channels: Units of the LSTM.
        normalise: Centre and scale each feature channel by running statistics of the training set.
        temporal: ``'all'`` gives the LSTM's output at every frame, ``'last'`` only the last one.
        unit: Joints and translation are divided by this, mm.
    """

    def __init__(self, encoder: Optional[dict] = None, skeleton: str = 'ape17',
                 poses: str = 'centred', translation: Optional[str] = 'relative',
                 feature_channels: int = 0, frozen: bool = True, hidden_channels: int = 128,
                 normalise: bool = True, temporal: str = 'all', unit: float = 1000.,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(encoder, frozen, init_cfg)
        if translation not in TRANSLATIONS:
            raise ValueError(f'translation must be one of {tuple(TRANSLATIONS)}, '
                             f'got {translation!r}')
        if poses not in POSES:
            raise ValueError(f'poses must be one of {POSES}, got {poses!r}')
        if temporal not in ('all', 'last'):
            raise ValueError(f"temporal must be 'all' or 'last', got {temporal!r}")
        tree = get_skeleton(skeleton)
        self.root, self.poses, self.translation = tree.root, poses, translation
        self.temporal, self.unit = temporal, unit
        if encoder is not None and feature_channels:
            raise ValueError('give an encoder or the channels of its stored features, not both')
        self.feature_channels = feature_channels
        width = (tree.num_joints * (feature_channels or 3) if self.encoder is None
                 else self.encoder.out_channels)
        width += TRANSLATIONS[translation]
        self.norm = nn.BatchNorm1d(width, affine=False) if normalise else None
        self.rnn = nn.LSTM(width, hidden_channels, batch_first=True)

    def forward(self, inputs: Tensor) -> Tensor:
        """Encode sequences.

        Args:
            inputs: Joint positions, mm, y up, ``(N, M, T, K, 3 + feature_channels)``: samples,
                people, time. The first person is always there; others may be all zeros: nobody.

        Returns:
            ``(N, M, C, T, 1)``, the layout of mmaction2's graph networks (T = 1 for ``'last'``).
            Nobody's features are the mean of the people's who are there, so that a head's mean
            over M is the mean over those.
        """
        samples, people = inputs.shape[:2]
        if people == 1:
            return self._encode(inputs[:, 0])[:, None]
        there = inputs[..., :3].flatten(2).any(-1)  # (N, M)
        there[:, 0] = True
        encoded = self._encode(inputs[there])  # (people there, C, T, 1)
        hidden = encoded.new_zeros(samples, people, *encoded.shape[1:])
        hidden[there] = encoded
        there = there.reshape(samples, people, 1, 1, 1)
        mean = hidden.sum(1, keepdim=True) / there.sum(1, keepdim=True)
        return torch.where(there, hidden, mean)

    def _encode(self, positions: Tensor) -> Tensor:
        """``(B, T, K, 3 + feature_channels)`` -> ``(B, C, T, 1)``."""
        hidden = self.rnn(self.features(positions))[0]
        if self.temporal == 'last':
            hidden = hidden[:, -1:]
        return hidden.transpose(1, 2).unsqueeze(-1)

    def features(self, positions: Tensor) -> Tensor:
        """What the LSTM reads: ``(B, T, K, 3 + feature_channels)`` -> ``(B, T, width)``."""
        if self.feature_channels:
            positions, stored = positions.split((3, self.feature_channels), -1)
            parts = [stored.flatten(-2)]
        else:
            parts = [self._pose_features(positions)]
        if self.translation is not None:
            parts.append(self._translation_features(positions[..., self.root, :]))
        features = torch.cat(parts, -1)
        if self.norm is None:
            return features
        return self.norm(features.transpose(1, 2)).transpose(1, 2)

    def _pose_features(self, positions: Tensor) -> Tensor:
        if self.poses == 'raw':
            poses = positions
        elif self.poses == 'normalised':
            poses = positions - positions.mean(-2, keepdim=True)
            poses = poses * (self.unit / poses.std((-2, -1), keepdim=True).clamp_min(1.))
        else:
            poses = positions - positions[..., self.root:self.root + 1, :]
        if self.encoder is None:
            return poses.flatten(-2) / self.unit
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            code = self.encoder(poses.flatten(0, 1)).view_invariant
        return code.flatten(1).unflatten(0, positions.shape[:2])

    def _translation_features(self, root: Tensor) -> Tensor:
        moved = (root - root[:, :1]) / self.unit  # (B, T, 3)
        if self.translation == 'root':
            return moved
        ground = moved[..., [0, 2]]
        step = torch.diff(ground, dim=1, prepend=ground[:, :1])
        return torch.stack([moved[..., 1], ground.norm(dim=-1), step.norm(dim=-1)], -1)
