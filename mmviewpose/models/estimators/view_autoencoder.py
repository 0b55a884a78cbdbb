"""The auto-encoder that parts pose from viewpoint by what several views of a moment share."""
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor

from mmviewpose.functional.view_images import swap_views
from mmviewpose.geometry.view_transform import pose_in_view
from mmviewpose.layers.view_autoencoder import as_images
from mmviewpose.models.batch_model import BatchModel
from mmviewpose.registry import MODELS

ROTATIONS = ('own', 'shifted', 'partner')


class ViewCodes(NamedTuple):
    """What the encoders say of a batch of moments.

    Attributes:
        poses: Canonical poses of the images, ``(B, V, N, 3)``.
        shifted_poses: Of the shifted images.
        angles: Rotations of the views, ``(B, V, 3)``.
        translation: Of the images, ``(B, V, 3)``.
        shifted_translation: Of the shifted images.
    """
    poses: Tensor
    shifted_poses: Tensor
    angles: Tensor
    translation: Tensor
    shifted_translation: Tensor


@MODELS.register_module()
class ViewAutoEncoder(BatchModel):
    """Images of a moment from several views to one canonical pose (F. Sardari et al.,
    "Unsupervised view-invariant human posture representation", 2021, Sec. 3).

    The pose encoder gives the canonical pose, the viewpoint encoder a rotation and a translation,
    and the decoder makes an image of the pose seen from there. No label is used. Every network
    runs once a step, over all its images as one batch. A term of weight 0 is not computed, so that
    a row of Table 5 is a config of a few lines.

    Args:
        pose_encoder: Images ``(B, C, H, W)`` to ``(B, N, 3)``, e.g. ``PoseImageEncoder``.
        view_encoder: Images to their angles and translation, ``(B, 3)`` each, e.g. ``ViewpointEncoder``.
        decoder: ``(B, N, 3)`` to images, e.g. ``PoseImageDecoder``.
        swap: Weight alpha of the swap-invariance loss, Eq. 8.
        equivariance: Weight beta.
        reconstruction: Weight gamma of both reconstructions.
        view_bias: Weight of a term that the paper does not have: the mean canonical pose must be
            the same in all views.
        rotation_from: How probable it is that the rotation of both views comes from the image
            itself (``own``), from another frame of the clip (``partner``) or from the shifted
            image (``shifted``). The paper's Eq. 1 is one half each of the first two; the published
            code takes all three alike.

    Raises:
        ValueError: ``rotation_from`` names something else, or nothing.
    """

    def __init__(self, pose_encoder: dict, view_encoder: dict, decoder: dict, swap: float = 1.,
                 equivariance: float = 0.001, reconstruction: float = 1.,
                 view_bias: float = 0., rotation_from: Optional[Mapping[str, float]] = None,
                 data_preprocessor: Optional[dict] = None,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.pose_encoder = MODELS.build(pose_encoder)
        self.view_encoder = MODELS.build(view_encoder)
        self.decoder = MODELS.build(decoder)
        self.to(memory_format=torch.channels_last)

        def loss(name: str, weight: float):
            return MODELS.build(dict(type=name, loss_weight=weight)) if weight else None

        self.swap_loss = loss('ViewReconstructionLoss', swap)
        self.equivariance_loss = loss('EquivarianceLoss', equivariance)
        self.reconstruction_loss = loss('ViewReconstructionLoss', reconstruction)
        self.view_bias_loss = loss('ViewBiasLoss', view_bias)
        chances = dict(own=.5, partner=.5) if rotation_from is None else dict(rotation_from)
        if (set(chances) - set(ROTATIONS) or sum(chances.values()) <= 0
                or min(chances.values()) < 0):
            raise ValueError(f'rotation_from must weigh some of {ROTATIONS}, got {chances}')
        self.register_buffer('chances', torch.tensor(
            [float(chances.get(name, 0)) for name in ROTATIONS]), persistent=False)
        self.more = ('partner',) * (chances.get('partner', 0) > 0)

    def forward(self, inputs: Union[Tensor, Dict[str, Tensor]],
                data_samples: Optional[Dict[str, Tensor]] = None, mode: str = 'tensor'
                ) -> Union[Tensor, Dict[str, Tensor], List[dict]]:
        """Run the auto-encoder.

        Args:
            inputs: Images with values in [0, 1], or uint8. For ``tensor`` images ``(B, C, H, W)``;
                else a dict with ``images``, ``partner`` and ``shifted``, ``(B, V, C, H, W)``.
            data_samples: ``shift`` ``(B, V, 2)``, ``index`` ``(B,)``.
            mode: ``'tensor'`` gives the canonical poses ``(B, N, 3)``; ``'loss'`` a dict of
                losses; ``'predict'`` a list with one dict of batched tensors: ``data_samples``
                with ``images``, ``reconstruction``, ``swapped`` and, where there are shifted
                images, ``shifted`` and ``shifted_reconstruction``; ``pose`` ``(B, V, N, 3)`` and
                ``viewpoint`` ``(B, V, 6)``.
        """
        if mode == 'tensor':
            return self.pose_encoder(as_images(inputs))
        if mode == 'loss':
            return self.loss(inputs, data_samples)
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        raise ValueError(f"mode must be 'tensor', 'loss' or 'predict', got {mode!r}")

    def encode(self, pictures: Tensor, size: Sequence[int]) -> ViewCodes:
        """Poses and viewpoints of all images of a batch, each encoder once.

        Args:
            pictures: Images, shifted images and, if rotations come from there, partners, one after
                the other: ``(G B V, C, H, W)``.
            size: B and V.
        """
        count = 2 * size[0] * size[1]
        poses = self.pose_encoder(pictures[:count]).unflatten(0, (2, *size))
        angles, places = (part.unflatten(0, (-1, *size)) for part in self.view_encoder(pictures))
        return ViewCodes(poses[0], poses[1], self.exchange_rotations(angles), places[0], places[1])

    def exchange_rotations(self, angles: Tensor) -> Tensor:
        """The rotations of each moment's views from one of several images, Eq. 1:
        ``(G, B, V, 3)`` to ``(B, V, 3)``."""
        choice = self.chances[:len(angles)].multinomial(angles.shape[1], replacement=True)
        return angles[choice, torch.arange(len(choice), device=choice.device)]

    def loss(self, inputs: Dict[str, Tensor], data_samples: Dict[str, Tensor]
             ) -> Dict[str, Tensor]:
        """The switched-on terms of Eq. 8."""
        groups = [inputs[name] for name in ('images', 'shifted', *self.more)]
        size = groups[0].shape[:2]
        if size[1] < 2 and self.swap_loss is not None:
            raise ValueError('one view of a moment has none to exchange poses with: two are needed')
        pictures = as_images(_flat(groups))
        images, shifted = pictures.unflatten(0, (-1, *size))[:2]
        codes = self.encode(pictures, size)
        seen = _in_view(codes.poses, codes.angles, codes.translation)
        moved = _in_view(codes.shifted_poses, codes.angles, codes.shifted_translation)
        poses, losses = [], {}
        if self.reconstruction_loss is not None:
            poses += [seen, moved]
        if self.swap_loss is not None:
            # with two views there is one way to exchange them, with more one is drawn
            others = swap_views(codes.poses, int(torch.randint(1, size[1], ())))
            poses.append(_in_view(others, codes.angles, codes.translation))
        decoded = self._decode(poses) if poses else []
        if self.swap_loss is not None:
            losses['loss_swap'] = self.swap_loss(decoded[-1], images)
        if self.reconstruction_loss is not None:
            losses['loss_reconstruction'] = self.reconstruction_loss(decoded[0], images)
            losses['loss_shifted'] = self.reconstruction_loss(decoded[1], shifted)
        if self.equivariance_loss is not None:
            losses['loss_equivariance'] = self.equivariance_loss(seen, moved,
                                                                 data_samples['shift'])
        if self.view_bias_loss is not None:
            losses['loss_view_bias'] = self.view_bias_loss(codes.poses)
        return losses

    def _decode(self, poses: Sequence[Tensor]) -> Tensor:
        """View-specific poses ``(B, V, N, 3)`` each to images ``(B, V, C, H, W)`` each."""
        size = poses[0].shape[:2]
        return self.decoder(_flat(poses)).unflatten(0, (len(poses), *size))

    def predict(self, inputs: Dict[str, Tensor], data_samples: Dict[str, Tensor]) -> List[dict]:
        """Images as they are decoded from their own pose and from the next view's; and shifted
        ones, if there are any."""
        names = [name for name in ('images', 'shifted') if name in inputs]
        size = (len(names), *inputs['images'].shape[:2])
        pictures = as_images(_flat([inputs[name] for name in names]))
        poses = self.pose_encoder(pictures).unflatten(0, size)
        angles, translation = (part.unflatten(0, size) for part in self.view_encoder(pictures))
        shown = {'reconstruction': pose_in_view(poses[0], angles[0], translation[0]),
                 'swapped': pose_in_view(swap_views(poses[0]), angles[0], translation[0])}
        if len(names) > 1:
            shown['shifted_reconstruction'] = pose_in_view(poses[1], angles[0], translation[1])
        pictures = dict(zip(names, pictures.unflatten(0, size)))
        decoded = dict(zip(shown, self._decode(list(shown.values()))))
        return [dict(data_samples, **pictures, **decoded, pose=poses[0],
                     viewpoint=torch.cat([angles[0], translation[0]], -1))]

    def turn(self, poses: Tensor, viewpoints: Tensor, degrees: Tensor) -> Tuple[Tensor, Tensor]:
        """Poses as views see them, turned about the image's vertical and decoded.

        Args:
            poses: Canonical poses ``(M, N, 3)``.
            viewpoints: Angles and translation, ``(M, 6)``.
            degrees: ``(A,)``.

        Returns:
            The turned poses about their place, ``(M, A, N, 3)``, and images ``(M, A, C, H, W)``.
        """
        angles, translation = viewpoints.split(3, -1)
        seen = pose_in_view(poses, angles, torch.zeros_like(translation))
        turns = torch.nn.functional.pad(torch.deg2rad(degrees.to(seen.dtype))[:, None], (1, 1))
        turned = pose_in_view(seen[:, None], turns, torch.zeros_like(turns))  # (M, A, N, 3)
        placed = turned + translation[:, None, None]
        return turned, self._decode([placed])[0]


def _in_view(poses: Tensor, angles: Tensor, translation: Tensor) -> Tensor:
    """:func:`pose_in_view` in float32 also where the networks run in fewer bits: a shift of one
    pixel is a small difference of large numbers."""
    with torch.autocast(poses.device.type, enabled=False):
        return pose_in_view(poses.float(), angles.float(), translation.float())


def _flat(groups: Sequence[Tensor]) -> Tensor:
    """Groups ``(B, V, ...)`` of images or poses as one batch."""
    return torch.cat([group.flatten(0, 1) for group in groups])
