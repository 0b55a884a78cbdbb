"""Sequences of images to sequences of features, for mmaction2's recognizers."""
from typing import Optional

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmviewpose.layers.view_autoencoder import as_images
from mmviewpose.models.backbones.encoder_backbone import EncoderBackbone
from mmviewpose.models.weights import load_part
from mmviewpose.registry import MODELS

CELLS = {'gru': nn.GRU, 'lstm': nn.LSTM}


@MODELS.register_module()
class PoseImageBackbone(BaseModule):
    """A pose encoder of images as a backbone of its own.

    Args:
        network: Config of the encoder, e.g. ``PoseImageEncoder``.
        init_cfg: ``dict(type='Pretrained', checkpoint=..., prefix='pose_encoder.')``: the weights
            must fit.
    """

    def __init__(self, network: dict, init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg)
        self.network = MODELS.build(network).to(memory_format=torch.channels_last)

    @property
    def out_channels(self) -> int:
        """Numbers of a pose, 3 N."""
        return 3 * self.network.num_points

    def forward(self, images: Tensor) -> Tensor:
        """Images ``(B, C, H, W)`` in [0, 1], or uint8, to ``(B, 3 N)``."""
        return self.network(as_images(images)).flatten(1)

    def init_weights(self) -> None:
        """Load the pretrained weights of ``init_cfg``, if any.

        Raises:
            UserError: Weights of another network.
        """
        if self.init_cfg and self.init_cfg.get('type') == 'Pretrained':
            load_part(self.network, self.init_cfg['checkpoint'], self.init_cfg.get('prefix', ''))
            self._is_init = True
        else:
            super().init_weights()


@MODELS.register_module()
class ImageSequenceEncoder(EncoderBackbone):
    """A canonical pose a frame, and a recurrent network over time: the downstream model of F.
    Sardari et al., "Unsupervised view-invariant human posture representation", 2021, Sec. 4.

    Works as the backbone of mmaction2's ``RecognizerGCN`` with its ``GCNHead``, which averages what
    comes out over time and adds the dense layer.

    Args:
        encoder: Config of the encoder, e.g. ``PoseImageBackbone``; None reads poses that
            ``EncodeImages`` made.
        in_channels: Numbers a frame where there is no encoder.
        frozen: Keep the encoder as it is (unsupervised); False trains it (fine-tuned, or from
            scratch without pretrained weights).
        cell: ``'gru'``, or ``'lstm'`` (Table 3).
        hidden_channels: Units of each direction of each layer.
        num_layers: Layers.
        bidirectional: Run both ways.
        dropout: Between the layers.
        normalise: Centre and scale each number by running statistics of the training set.

    Attributes:
        out_channels: Channels of the output.

    Raises:
        ValueError: Unknown ``cell``, or neither or both of ``encoder`` and ``in_channels``.
    """

    def __init__(self, encoder: Optional[dict] = None, in_channels: Optional[int] = None,
                 frozen: bool = True, cell: str = 'gru', hidden_channels: int = 512,
                 num_layers: int = 2, bidirectional: bool = True, dropout: float = 0.,
                 normalise: bool = False, init_cfg: Optional[dict] = None) -> None:
        super().__init__(encoder, frozen, init_cfg)
        if cell not in CELLS:
            raise ValueError(f'cell must be one of {tuple(CELLS)}, got {cell!r}')
        if (encoder is None) == (in_channels is None):
            raise ValueError('give an encoder, or the channels of the poses that it stored')
        width = in_channels if self.encoder is None else self.encoder.out_channels
        self.norm = nn.BatchNorm1d(width, affine=False) if normalise else None
        self.rnn = CELLS[cell](width, hidden_channels, num_layers, batch_first=True,
                               dropout=dropout, bidirectional=bidirectional)
        self.out_channels = hidden_channels * (2 if bidirectional else 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """Encode sequences.

        Args:
            inputs: Images ``(N, 1, T, C, H, W)``, or without an encoder poses
                ``(N, 1, T, in_channels)``.

        Returns:
            ``(N, 1, out_channels, T, 1)``, the layout of mmaction2's graph networks.
        """
        poses = inputs[:, 0]
        if self.encoder is not None:
            with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
                poses = self.encoder(poses.flatten(0, 1)).unflatten(0, poses.shape[:2])
        if self.norm is not None:
            poses = self.norm(poses.transpose(1, 2)).transpose(1, 2)
        return self.rnn(poses)[0].transpose(1, 2)[:, None, :, :, None]
