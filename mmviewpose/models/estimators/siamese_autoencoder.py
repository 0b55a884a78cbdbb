"""The Siamese denoising auto-encoder of SeBiReNet."""
from typing import Dict, List, NamedTuple, Optional, Tuple, Union

import torch
from torch import Tensor

from mmviewpose.models.backbones.sebirenet_encoder import PoseCode
from mmviewpose.models.batch_model import BatchModel
from mmviewpose.registry import MODELS


class _Stream(NamedTuple):
    """One way through the decoder: h_vi of branch ``pose`` with h_v of branch ``view``."""
    pose: int
    view: int
    weight: float


@MODELS.register_module()
class SiameseAutoEncoder(BatchModel):
    """Denoising auto-encoder that parts pose from view (paper, Sec. 3.3, Eq. 11).

    Branch 0 sees the corrupted pose, branch 1 a rotated one; all encoders share their weights, and
    so do all decoders. Both branches are encoded as one batch, and all streams (two
    reconstructions, two view transfers) are decoded as one batch. Every term has a switch, so
    that a row of Table 3 is a config of a few lines; a term of weight 0 is not computed.

    Args:
        encoder: Config of the encoder, e.g. ``SeBiReNetEncoder``.
        decoder: Config of the decoder, e.g. ``SeBiReNetDecoder``.
        skeleton: Layout, for the bone terms.
        reconstruction: Weights of L(p) and L(R* p), Eq. 11.
        transfer: Weights omega_1 and omega_2 of L(p^t) and L(R* p^t), Eq. 11.
        feature: Weight omega_3 of L_f.
        feature_norm: ``'frobenius'`` (the paper) or ``'mean_square'``.
        orthogonality: Weight lambda of L_O, Eq. 10.
        bone: Weight of L_B in Eq. 9 (1 in the paper).
        symmetry: Weight of L_S in Eq. 9 (1 in the paper; the published code has none).
        reduction: ``'mean'`` over samples and terms, or ``'sum'`` as the paper writes and the
            published code does.
        unit: Losses are computed on poses divided by this, mm.
    """

    def __init__(self, encoder: dict, decoder: dict, skeleton: str = 'ape17',
                 reconstruction: Tuple[float, float] = (1., 1.),
                 transfer: Tuple[float, float] = (0.01, 0.01), feature: float = 0.1,
                 feature_norm: str = 'frobenius', orthogonality: float = 0.1, bone: float = 1.,
                 symmetry: float = 1., reduction: str = 'mean', unit: float = 1000.,
                 data_preprocessor: Optional[dict] = None,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.encoder = MODELS.build(encoder)
        self.decoder = MODELS.build(decoder)
        self.streams = [stream for stream in (
            _Stream(0, 0, reconstruction[0]), _Stream(1, 1, reconstruction[1]),
            _Stream(1, 0, transfer[0]), _Stream(0, 1, transfer[1])) if stream.weight]
        self.unit = unit

        def loss(name: str, weight: float, **options):
            return MODELS.build(dict(type=name, loss_weight=weight, reduction=reduction,
                                     **options)) if weight else None

        self.pose_losses = torch.nn.ModuleDict({name: part for name, part in (
            ('position', loss('JointPositionLoss', 1.)),
            ('bone', loss('BoneLengthLoss', bone, skeleton=skeleton)),
            ('symmetry', loss('LimbSymmetryLoss', symmetry, skeleton=skeleton))) if part})
        self.feature_loss = loss('FeatureConsistencyLoss', feature, norm=feature_norm)
        self.orthogonality_loss = loss('OrthogonalityLoss', orthogonality)

    @property
    def branches(self) -> List[int]:
        """Branches that the switched-on terms need."""
        if self.feature_loss is not None:
            return [0, 1]
        return sorted({branch for stream in self.streams for branch in stream[:2]})

    def forward(self, inputs: Tensor, data_samples: Optional[Dict[str, Tensor]] = None,
                mode: str = 'tensor') -> Union[PoseCode, Dict[str, Tensor], List[dict]]:
        """Run the auto-encoder.

        Args:
            inputs: Corrupted poses centred on their own root, mm: ``(B, 2, K, 3)`` for ``loss``,
                ``(B, K, 3)`` for ``tensor`` and ``predict``.
            data_samples: ``target`` like ``inputs``, ``index`` ``(B,)``.
            mode: ``'tensor'`` gives the :class:`PoseCode`; ``'loss'`` a dict of losses;
                ``'predict'`` a list with one dict of batched tensors: ``data_samples`` with
                ``keypoints``, the recovered poses, and ``input``.
        """
        if mode == 'tensor':
            return self.encoder(inputs)
        if mode == 'loss':
            return self.loss(inputs, data_samples)
        if mode == 'predict':
            recovered = self.decoder(self.encoder(inputs).couple())
            return [dict(data_samples, keypoints=recovered, input=inputs)]
        raise ValueError(f"mode must be 'tensor', 'loss' or 'predict', got {mode!r}")

    def loss(self, inputs: Tensor, data_samples: Dict[str, Tensor]) -> Dict[str, Tensor]:
        """All switched-on terms of Eq. 11, each summed over its streams."""
        codes = self._encode_branches(inputs)
        targets = data_samples['target']
        coupled = [PoseCode(codes[pose].view_invariant, codes[view].view).couple()
                   for pose, view, _ in self.streams]
        decoded = self.decoder(torch.cat(coupled)).div(self.unit).chunk(len(coupled))
        losses = {f'loss_{name}': 0. for name in self.pose_losses}
        for stream, pred in zip(self.streams, decoded):
            target = targets[:, stream.view] / self.unit
            for name, loss in self.pose_losses.items():
                losses[f'loss_{name}'] = losses[f'loss_{name}'] + stream.weight * loss(pred, target)
        if self.feature_loss is not None:
            losses['loss_feature'] = self.feature_loss(codes[0].view_invariant,
                                                       codes[1].view_invariant)
        if self.orthogonality_loss is not None:
            views = torch.cat([code.view for code in codes.values()])
            losses['loss_orthogonality'] = self.orthogonality_loss(views)
        return losses

    def _encode_branches(self, inputs: Tensor) -> Dict[int, PoseCode]:
        branches = self.branches
        code = self.encoder(torch.cat([inputs[:, branch] for branch in branches]))
        parts = [None if part is None else part.chunk(len(branches)) for part in code]
        return {branch: PoseCode(*(part and part[number] for part in parts))
                for number, branch in enumerate(branches)}
