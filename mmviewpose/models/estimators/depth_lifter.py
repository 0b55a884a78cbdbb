"""2D key points to depths, from 3D labels."""
from typing import Dict, List, Mapping, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor

from mmviewpose.errors import UserError
from mmviewpose.geometry.view_turn import raise_points
from mmviewpose.models.batch_model import BatchModel
from mmviewpose.registry import MODELS
from mmviewpose.skeletons import get_skeleton, partition

PROJECTIONS = ('orthographic', 'perspective')


@MODELS.register_module()
class DepthLifter(BatchModel):
    """One depth for each key point, from the key points of its part (P. Hardy et al., "Optimising
    2D pose representation", 2022, Sec. 3.1 and 3.2), trained on 3D.

    The pose is put on its root, which is then left out, and divided by its largest coordinate; what
    the network finds is multiplied by it again (Sec. 4.2). A pose without size (all key points at
    the root) stays one.

    Args:
        lifter: Config of a network ``(B, J, 2)`` to ``(B, J)`` that takes ``parts``:
            :class:`~mmviewpose.layers.PartLifter`.
        parts: Which joints are lifted together: ``'full'``, ``'leg-torso'``, ``'limbs'``, or a
            grouping of :func:`~mmviewpose.skeletons.partition`.
        skeleton: Layout of the key points.
        projection: How the 2D came about: ``'orthographic'`` or ``'perspective'``.
        distance: Of perspective cameras, mm, to which the unit of the 2D belongs
            (``ProjectPoses``).
        depth: Loss of depths ``(B, J, 1)``, in the normalised unit.

    Attributes:
        joints: The J lifted joints' numbers in the skeleton.
        parts: Positions among these by part.

    Raises:
        ValueError: An unknown projection, or ``parts`` do not fit the skeleton.
    """

    def __init__(self, lifter: dict, parts: Union[str, Mapping[str, Sequence]] = 'full',
                 skeleton: str = 'ape17', projection: str = 'orthographic',
                 distance: float = 4500., depth: Optional[dict] = None,
                 data_preprocessor: Optional[dict] = None,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(data_preprocessor, init_cfg)
        if projection not in PROJECTIONS:
            raise ValueError(f'projection must be one of {PROJECTIONS}, got {projection!r}')
        self.skeleton = get_skeleton(skeleton)
        self.projection, self.distance = projection, distance
        root = self.skeleton.root
        self.joints = [joint for joint in range(self.skeleton.num_joints) if joint != root]
        self.parts = {name: tuple(self.joints.index(joint) for joint in joints) for name, joints
                      in partition(self.skeleton, parts, leave_out=[root]).items()}
        self.lifter = MODELS.build(dict(lifter, parts=list(self.parts.values())))
        self.depth = MODELS.build(depth) if depth else None

    def pretrained_parts(self) -> Dict[str, torch.nn.Module]:
        """The network."""
        return {'lifter.': self.lifter}

    def normalise(self, points: Tensor) -> Tuple[Tensor, Tensor]:
        """Key points ``(B, K, 2)`` as the network reads them, ``(B, J, 2)``, and the divisor
        ``(B, 1, 1)``."""
        root = self.skeleton.root
        points = points[:, self.joints] - points[:, root, None]
        scale = points.abs().amax((1, 2), keepdim=True)
        return points / torch.where(scale == 0, torch.ones_like(scale), scale), scale

    def lift(self, points: Tensor) -> Tensor:
        """Normalised key points ``(B, J, 2)`` to depths ``(B, J)`` towards the camera."""
        return self.lifter(points)

    def forward(self, inputs: Tensor, data_samples: Optional[Dict[str, Tensor]] = None,
                mode: str = 'tensor') -> Union[Tensor, Dict[str, Tensor], List[dict]]:
        """Run the lifter.

        Args:
            inputs: 2D poses ``(B, K, 2)``, mm, y up: x and y of the camera's space
                (orthographic), or image coordinates times the nominal distance (perspective).
            data_samples: ``target`` ``(B, K, 3)``, poses about their root in the camera's axes (x
                right, y up, z towards the camera), mm; ``index`` ``(B,)``.
            mode: ``'tensor'`` gives poses ``(B, K, 3)`` in mm; ``'loss'`` a dict of losses;
                ``'predict'`` a list with one dict of batched tensors: ``data_samples`` with
                ``keypoints``, the poses, ``flat``, the same with all depths 0, and
                ``keypoints_2d``, the inputs.
        """
        points, scale = self.normalise(inputs)
        if mode == 'loss':
            return self.loss(points, scale, data_samples)
        poses = self.to_poses(points, self.lift(points), scale)
        if mode == 'tensor':
            return poses
        if mode == 'predict':
            flat = self.to_poses(points, torch.zeros_like(points[..., 0]), scale)
            return [dict(data_samples or {}, keypoints=poses, flat=flat, keypoints_2d=inputs)]
        raise ValueError(f"mode must be 'tensor', 'loss' or 'predict', got {mode!r}")

    def loss(self, points: Tensor, scale: Tensor, data_samples: Dict[str, Tensor]
             ) -> Dict[str, Tensor]:
        """Depths against true ones; with ``mask`` ``(B, K)`` only where there are any.

        Raises:
            UserError: The config names no loss.
        """
        if self.depth is None:
            raise UserError('DepthLifter trains with a loss of depths: depth=dict(type=...)')
        target = data_samples['target'][:, self.joints, 2] / scale[..., 0].clamp_min(1e-6)
        mask = data_samples.get('mask')
        weight = None if mask is None else mask[:, self.joints].to(target.dtype)
        return dict(loss_depth=self.depth(self.lift(points)[..., None], target[..., None], weight))

    def to_poses(self, points: Tensor, depths: Tensor, scale: Tensor) -> Tensor:
        """Normalised points, their depths and the divisor to poses ``(B, K, 3)``, root at 0."""
        lifted = raise_points(points, depths.to(points.dtype), self.camera_distance(scale)) * scale
        return self.with_root(lifted)

    def with_root(self, lifted: Tensor) -> Tensor:
        """The lifted joints ``(B, J, 3)`` as poses ``(B, K, 3)``, the root at 0."""
        poses = lifted.new_zeros(len(lifted), self.skeleton.num_joints, 3)
        poses[:, self.joints] = lifted
        return poses

    def camera_distance(self, scale: Tensor) -> Optional[Tensor]:
        """Of the camera, ``(B,)`` in the normalised unit; None for an orthographic one."""
        if self.projection == 'orthographic':
            return None
        return self.distance / scale[:, 0, 0].clamp_min(1e-6)
