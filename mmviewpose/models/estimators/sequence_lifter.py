"""A monocular lifter of sequences that learns from 3D, from 2D alone, and from several views."""
from typing import Dict, List, NamedTuple, Optional, Union

import torch
from torch import Tensor, nn

from mmviewpose.errors import UserError
from mmviewpose.geometry.scaled_perspective import (NOMINAL_FOCAL, image_to_plane,
                                                    known_or_nominal, plane_to_pose,
                                                    pose_to_plane)
from mmviewpose.models.batch_model import BatchModel
from mmviewpose.registry import MODELS


class Frame(NamedTuple):
    """What points on the plane at the nominal distance are relative to, over a window.

    Attributes:
        centre: ``(B, 1, 1, 2)`` m.
        size: ``(B, 1, 1, 1)`` m.
    """
    centre: Tensor
    size: Tensor


@MODELS.register_module()
class SequenceLifter(BatchModel):
    """Windows of 2D key points to 3D (two_views, Sec. 4; the form of output is MotionBERT's).

    Key points are placed on a plane at a nominal distance, by intrinsics that are known or nominal.
    The network reads them within a frame (the person's middle and size in the window, or the
    image), with their confidences, and gives points and relative depths. Back-projected, they are
    the pose up to the ratio of true and nominal distance, which no single camera can tell.

    With ``frame='image'``, mmpose's ``DSTFormer`` and ``MotionRegressionHead``, weights have the
    names and the meaning of those in mmpose's MotionBERT checkpoints.

    Args:
        backbone: Config of a network ``(B, T, K, 3)`` (x, y, confidence) to features, such as
            :class:`TemporalConvBackbone` or ``mmpose.DSTFormer``.
        head: Config of a network from these features to ``(B, T, K, 3)``.
        position: Loss of points and depths where there is 3D (Eq. 5), or None.
        velocity: Loss of their change, ``loss(pred, target, weight)`` on ``(B, T, K, 3)``.
        scale: Loss of the pose's size.
        reprojection: Loss of the points against the detected ones (Eq. 7).
        consistency: Loss of poses of V views, consecutive in the batch (Eq. 8).
        frame: ``'person'`` or ``'image'``: what the network's input and output are relative to.
        root: Root joint.
        distance: Nominal distance, mm.
        focal: Nominal focal length over the image's longer side, where intrinsics are unknown.
        min_score: Detections below it are hidden from the network.

    Raises:
        ValueError: ``frame`` is unknown.
    """

    def __init__(self, backbone: dict, head: dict, position: Optional[dict] = None,
                 velocity: Optional[dict] = None, scale: Optional[dict] = None,
                 reprojection: Optional[dict] = None, consistency: Optional[dict] = None,
                 frame: str = 'person', root: int = 0, distance: float = 4500.,
                 focal: float = NOMINAL_FOCAL, min_score: float = 0.2,
                 data_preprocessor: Optional[dict] = None,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(data_preprocessor, init_cfg)
        if frame not in ('person', 'image'):
            raise ValueError(f"frame must be 'person' or 'image', got {frame!r}")
        self.backbone, self.head = MODELS.build(backbone), MODELS.build(head)
        self.frame, self.root = frame, root
        self.distance, self.focal, self.min_score = distance / 1000, focal, min_score
        losses = dict(position=position, velocity=velocity, scale=scale)
        self.supervised = nn.ModuleDict({name: MODELS.build(config)
                                         for name, config in losses.items() if config})
        self.reprojection = MODELS.build(reprojection) if reprojection else None
        self.consistency = MODELS.build(consistency) if consistency else None

    def pretrained_parts(self) -> Dict[str, nn.Module]:
        """The network."""
        return {'backbone.': self.backbone, 'head.': self.head}

    def forward(self, inputs: Tensor, data_samples: Optional[Dict[str, Tensor]] = None,
                mode: str = 'tensor') -> Union[Tensor, Dict[str, Tensor], List[dict]]:
        """Run the lifter.

        Args:
            inputs: x and y in px and confidence, ``(B, T, K, 3)``.
            data_samples: What ``PackViews`` gives; ``intrinsics`` and ``image_size`` always.
            mode: ``'tensor'`` gives points and relative depths on the plane, ``(B, T, K, 3)`` m;
                ``'loss'`` a dict of losses, in m; ``'predict'`` a list with one dict of batched
                tensors: ``data_samples`` with ``keypoints``, the poses about their root in mm,
                at the root's true distance where there is 3D and at the nominal one elsewhere, and
                ``mask`` ``(B, T, K)``, where there is something to compare them with.
        """
        size = data_samples['image_size']
        intrinsics = known_or_nominal(data_samples['intrinsics'], size, self.focal)
        seen = image_to_plane(inputs[..., :2], intrinsics, self.distance)
        shown = (inputs[..., 2] >= self.min_score)[..., None]
        if self.frame == 'person':
            frame = person_frame(seen, shown)
        else:
            frame = image_frame(size, intrinsics, self.distance)
        points = self.lift(seen, inputs[..., 2:], shown, frame)
        if mode == 'tensor':
            return points
        if mode == 'loss':
            return self.loss(points, seen, data_samples)
        if mode == 'predict':
            return [self.predict(points, data_samples)]
        raise ValueError(f"mode must be 'tensor', 'loss' or 'predict', got {mode!r}")

    def lift(self, seen: Tensor, scores: Tensor, shown: Tensor, frame: Frame) -> Tensor:
        """Points ``(B, T, K, 2)`` m and scores ``(B, T, K, 1)`` to ``(B, T, K, 3)`` m."""
        relative = (seen - frame.centre) / frame.size * shown
        found = self.head(self.backbone(torch.cat([relative, scores], -1))) * frame.size
        return torch.cat([found[..., :2] + frame.centre, found[..., 2:]], -1)

    def loss(self, points: Tensor, seen: Tensor,
             data_samples: Dict[str, Tensor]) -> Dict[str, Tensor]:
        """All terms that are switched on; the supervised ones on samples with 3D."""
        losses = {}
        scores, frames = data_samples['scores'], data_samples['frame_mask']
        labelled = data_samples['has_3d']
        if self.supervised and labelled.any():
            found, target = points[labelled], self._target(data_samples)[labelled]
            weight = frames[labelled][..., None].expand(target.shape[:-1]).to(target.dtype)
            for name, loss in self.supervised.items():
                pair = (found, target)
                if name == 'scale':
                    pair = (self.to_pose(found), self.to_pose(target))
                losses[f'loss_{name}'] = loss(*pair, weight)
        if self.reprojection is not None:
            losses['loss_reprojection'] = self.reprojection(points[..., :2], seen, scores)
        if self.consistency is not None:
            _check_views(data_samples.get('window'), self.consistency.num_views)
            pose = self.to_pose(points)
            weight = frames[..., None].expand(scores.shape).to(pose.dtype)
            losses['loss_consistency'] = self.consistency(pose, None, weight)
        return losses or dict(loss_none=points.sum() * 0)

    def predict(self, points: Tensor, data_samples: Dict[str, Tensor]) -> Dict[str, Tensor]:
        """Poses in mm; see :meth:`forward`."""
        pose = self.to_pose(points) * 1000
        true = data_samples['root'][..., 2] / (1000 * self.distance)
        labelled = data_samples['has_3d'][:, None]
        ratio = torch.where(labelled, true, torch.ones_like(true))
        mask = (data_samples['frame_mask'] & labelled)[..., None].expand(pose.shape[:-1])
        return dict(data_samples, keypoints=pose * ratio[..., None, None], mask=mask)

    def to_pose(self, points: Tensor) -> Tensor:
        """Points and relative depths on the plane to poses about their root, m."""
        return plane_to_pose(points, self.distance, self.root)

    def _target(self, data_samples: Dict[str, Tensor]) -> Tensor:
        pose = data_samples['target'] + data_samples['root'][:, :, None]
        return pose_to_plane(pose, self.distance, self.root)


def _check_views(window: Optional[Tensor], num_views: int) -> None:
    """Refuse a batch in which the loss would take different performances for views of one.

    Raises:
        UserError: So it is.
    """
    if window is None or len(window) % num_views:
        return  # the loss itself counts
    groups = window.view(-1, num_views)
    if bool((groups != groups[:, :1]).any()):
        raise UserError(f'the {num_views} samples that the consistency loss takes for views of one '
                        'window are of several: give MultiviewBatchSampler and '
                        'MultiviewConsistencyLoss the same num_views')


def person_frame(points: Tensor, shown: Tensor) -> Frame:
    """The middle and size of a person in a window.

    Args:
        points: ``(B, T, K, 2)`` m.
        shown: Which of them count, ``(B, T, K, 1)``.
    """
    count = shown.sum((1, 2), keepdim=True).clamp_min(1)
    centre = (points * shown).sum((1, 2), keepdim=True) / count
    spread = ((points - centre).square() * shown).sum((1, 2, 3), keepdim=True) / (2 * count)
    return Frame(centre, 2 * spread.sqrt().clamp_min(0.05))


def image_frame(size: Tensor, intrinsics: Tensor, distance: float) -> Frame:
    """The middle and half the width of an image, as MotionBERT's codec has it.

    Args:
        size: Width and height, ``(B, 2)`` px.
        intrinsics: ``(B, 4)`` px.
        distance: m.
    """
    corners = torch.stack([size / 2, size], 1)
    middle, corner = image_to_plane(corners, intrinsics, distance).split(1, 1)
    return Frame(middle[:, None], (corner - middle)[:, None, :, :1])
