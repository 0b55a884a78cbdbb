"""SeBiReNet's extension from 2D to 3D poses."""
from typing import Dict, List, Optional, Sequence, Union

import torch
from torch import Tensor, nn

from mmviewpose.models.backbones.sebirenet_encoder import PoseCode
from mmviewpose.models.batch_model import BatchModel
from mmviewpose.registry import MODELS

POSE_LOSSES = (dict(type='JointPositionLoss'), dict(type='BoneLengthLoss'),
               dict(type='LimbSymmetryLoss'))


@MODELS.register_module()
class SeBiReNetLifter(BatchModel):
    """A 2D encoder that learns the representation of a 3D auto-encoder (paper, Sec. 4.5, Fig. 5).

    The 3D stream, encoder and decoder, is pretrained on 3D poses (:class:`SiameseAutoEncoder`).
    The 2D encoder is pulled towards the representation that the 3D encoder has of the same pose,
    and the shared decoder turns it into the pose. Where the 3D stream is not frozen it goes on
    learning to reconstruct poses; the representation that the 2D encoder is pulled to gets no
    gradient from that pull.

    Args:
        encoder_2d: Config of the 2D encoder, a ``SeBiReNetEncoder`` with ``in_channels=2``.
        encoder_3d: Config of the 3D encoder.
        decoder: Config of the decoder.
        pose_losses: Terms of Eq. 9, configs of losses of poses.
        representation: Weight of the distance between the 2D and the 3D encoder's h_vi and of
            that between their h_v.
        reconstruction: Weight of Eq. 9 on the 3D stream's own poses, where it is not frozen.
        frozen: Keep the 3D stream as it was pretrained; False fine-tunes it (the paper).
        unit: Losses are computed on poses divided by this, mm.
        init_cfg: ``dict(type='Pretrained', checkpoint=...)``, a checkpoint of a
            :class:`SiameseAutoEncoder` for the 3D stream; None trains all from scratch.

    Raises:
        ValueError: ``frozen`` without a checkpoint.
    """

    def __init__(self, encoder_2d: dict, encoder_3d: dict, decoder: dict,
                 pose_losses: Sequence[dict] = POSE_LOSSES, representation: float = 1.,
                 reconstruction: float = 1., frozen: bool = False, unit: float = 1000.,
                 data_preprocessor: Optional[dict] = None,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(data_preprocessor, init_cfg)
        if frozen and not init_cfg:
            raise ValueError('a frozen 3D stream needs a pretrained checkpoint (init_cfg)')
        self.encoder_2d = MODELS.build(encoder_2d)
        self.encoder_3d = MODELS.build(encoder_3d)
        self.decoder = MODELS.build(decoder)
        self.pose_losses = nn.ModuleList(MODELS.build(loss) for loss in pose_losses)
        self.code_loss = MODELS.build(dict(type='FeatureConsistencyLoss',
                                           loss_weight=representation))
        self.reconstruction, self.frozen, self.unit = reconstruction, frozen, unit
        if frozen:
            self.encoder_3d.requires_grad_(False)
            self.decoder.requires_grad_(False)

    def pretrained_parts(self) -> Dict[str, nn.Module]:
        """The 3D stream, of an auto-encoder's checkpoint."""
        return {'encoder.': self.encoder_3d, 'decoder.': self.decoder}

    def train(self, mode: bool = True) -> 'SeBiReNetLifter':
        """Set the mode; a frozen 3D stream stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            self.encoder_3d.eval()
            self.decoder.eval()
        return self

    def forward(self, inputs: Tensor, data_samples: Optional[Dict[str, Tensor]] = None,
                mode: str = 'tensor') -> Union[PoseCode, Dict[str, Tensor], List[dict]]:
        """Run the lifter.

        Args:
            inputs: 2D poses relative to their root, ``(B, K, 2)``, in mm at a nominal distance
                (:class:`ProjectPoses`), y up.
            data_samples: ``target`` ``(B, K, 3)``, camera-space poses relative to their root, mm;
                ``index`` ``(B,)``.
            mode: ``'tensor'`` gives the 2D encoder's :class:`PoseCode`; ``'loss'`` a dict of
                losses; ``'predict'`` a list with one dict of batched tensors: ``data_samples``
                with ``keypoints``, the poses in 3D.
        """
        code = self.encoder_2d(inputs)
        if mode == 'tensor':
            return code
        if mode == 'predict':
            return [dict(data_samples, keypoints=self.decoder(code.couple()))]
        if mode == 'loss':
            return self.loss(code, data_samples['target'])
        raise ValueError(f"mode must be 'tensor', 'loss' or 'predict', got {mode!r}")

    def loss(self, code: PoseCode, target: Tensor) -> Dict[str, Tensor]:
        """Eq. 9 on the lifted pose, the pull towards the 3D representation, and Eq. 9 on the 3D
        stream where it learns."""
        losses = self._pose_losses('lifted', code, target)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            code_3d = self.encoder_3d(target)
        for name, own, other in zip(code._fields, code, code_3d):
            if own is not None and other is not None:
                losses[f'loss_{name}'] = self.code_loss(own, other.detach())
        if not self.frozen and self.reconstruction:
            stream = self._pose_losses('stream', code_3d, target)
            losses.update({key: self.reconstruction * value for key, value in stream.items()})
        return losses

    def _pose_losses(self, name: str, code: PoseCode, target: Tensor) -> Dict[str, Tensor]:
        poses = self.decoder(code.couple()) / self.unit
        return {f'loss_{name}_{type(loss).__name__.replace("Loss", "").lower()}':
                loss(poses, target / self.unit) for loss in self.pose_losses}
