"""From poses in the world to what a camera sees of them."""
from typing import Any, Dict, Mapping, Optional, Sequence

import torch
from torch import Tensor

from mmviewpose.datasets.formats.cameras import read_camera_poses
from mmviewpose.datasets.synthetic.cameras import synthetic_cameras
from mmviewpose.errors import DatasetError
from mmviewpose.geometry.camera import world_to_camera
from mmviewpose.geometry.rotation import random_rotations, rotate
from mmviewpose.registry import TRANSFORMS

Batch = Dict[str, Tensor]
NEAREST = 200.


class CameraTransform:
    """What transforms that look through cameras share: ``rotations`` ``(N, 3, 3)``, ``centres``
    ``(N, 3)`` mm, ``subjects`` and ``serials`` ``(N,)`` of the cameras, and their ``file``.

    Args:
        cameras: File of ``tools/dataset_converters/h36m_cameras.py``; None takes the four built-in
            cameras.
        subjects: Take the cameras of these people's recordings only.

    Raises:
        DatasetError: The file is missing or broken, or has no such camera.
    """

    def __init__(self, cameras: Optional[str] = None,
                 subjects: Optional[Sequence[int]] = None) -> None:
        found = synthetic_cameras() if cameras is None else read_camera_poses(cameras)
        numbers = torch.as_tensor(found.subjects)
        kept = torch.ones(len(found), dtype=torch.bool)
        if subjects is not None:
            kept = torch.isin(numbers, torch.tensor(list(subjects)))
        if not kept.any():
            raise DatasetError(f'no cameras of subjects {list(subjects)}', file=cameras)
        self.file, self.subjects = cameras, numbers[kept]
        self.serials = torch.as_tensor(found.serials)[kept]
        self.rotations = torch.as_tensor(found.rotations, dtype=torch.float32)[kept]
        self.centres = torch.as_tensor(found.centres, dtype=torch.float32)[kept]

    @classmethod
    def check_files(cls, cfg: Mapping[str, Any]) -> None:
        """Check that the camera file of a config is there.

        Raises:
            DatasetError: It is not, or it is broken.
        """
        if cfg.get('cameras') is not None:
            read_camera_poses(cfg['cameras'])


@TRANSFORMS.register_module()
class ProjectPoses(CameraTransform):
    """Photograph each pose: a random place and heading in the volume, a random camera.

    Replaces ``keypoints`` ``(B, K, 3)`` by the pose as the camera sees it, relative to its root,
    mm, y up as all our models have it (x to the right, z towards the camera), and adds
    ``keypoints_2d`` ``(B, K, 2)``: image coordinates of an undistorted camera with focal length 1,
    relative to the root's, times ``distance``. So they are about mm at the usual distance, and
    nothing that is unknown at test time, neither depth nor size, went into them. With
    ``projection='orthographic'`` they are x and y of the pose instead, which no camera gives: what
    the published code of P. Hardy et al. (2022) takes for 2D.

    Args:
        cameras: File of ``tools/dataset_converters/h36m_cameras.py``; None takes the four built-in
            cameras.
        subjects: Use the cameras of these people's recordings only.
        own_camera: Leave poses where they are and take the camera that recorded them, by the
            batch's ``subject`` and ``camera``.
        area: Half the side of the square around the origin in which people stand, mm.
        floor: Height of the lowest joint above the floor, mm.
        distance: Nominal distance, mm.
        noise: Standard deviation of Gaussian noise on ``keypoints_2d``, mm at that distance.
        root: Root joint.
        projection: ``'perspective'`` or ``'orthographic'``.

    Raises:
        ValueError: ``projection`` is unknown.
        DatasetError: The file is missing or broken, has no such camera, or a pose is behind its
            camera.
    """

    def __init__(self, cameras: Optional[str] = None, subjects: Optional[Sequence[int]] = None,
                 own_camera: bool = False, area: float = 1000., floor: float = 70.,
                 distance: float = 4500., noise: float = 0., root: int = 0,
                 projection: str = 'perspective') -> None:
        super().__init__(cameras, subjects)
        if projection not in ('perspective', 'orthographic'):
            raise ValueError(f"projection must be 'perspective' or 'orthographic', got "
                             f'{projection!r}')
        self.projection = projection
        self.own_camera = own_camera
        self.keys = torch.stack([self.subjects, self.serials], -1)
        self.area, self.floor, self.distance = area, floor, distance
        self.noise, self.root = noise, root

    def __call__(self, batch: Batch) -> Batch:
        poses = batch['keypoints']
        if self.own_camera:
            camera = self._own_cameras(batch)
        else:
            poses = self._placed(poses)
            camera = torch.randint(len(self.centres), (len(poses),))
        seen = world_to_camera(poses, self.rotations[camera], self.centres[camera])
        depth = seen[..., 2:]
        if (depth < NEAREST).any():
            raise DatasetError('a pose is behind its camera or too near', file=self.file)
        seen = seen * seen.new_tensor([1., -1., -1.])
        image = seen[..., :2]
        if self.projection == 'perspective':
            image = image / depth * self.distance
        image = image - image[:, self.root, None]
        if self.noise:
            image = image + self.noise * torch.randn_like(image)
        batch.update(keypoints=seen - seen[:, self.root, None], keypoints_2d=image)
        return batch

    def _placed(self, poses: Tensor) -> Tensor:
        """Poses turned about the vertical and put on the floor somewhere in the area."""
        poses = rotate(poses - poses[:, self.root, None], random_rotations(len(poses), mode='yaw'))
        place = torch.empty(len(poses), 1, 3).uniform_(-self.area, self.area)
        place[..., 1] = self.floor - poses[..., 1].amin(-1, keepdim=True)
        return poses + place

    def _own_cameras(self, batch: Batch) -> Tensor:
        wanted = torch.stack([batch['subject'], batch['camera']], -1)  # (B, 2)
        same = (wanted[:, None] == self.keys).all(-1)  # (B, N)
        if not same.any(-1).all():
            subject, serial = wanted[~same.any(-1)][0].tolist()
            raise DatasetError(f'no camera {serial} of subject {subject}', file=self.file)
        return same.int().argmax(-1)


@TRANSFORMS.register_module()
class PackLifting:
    """Make the batch of a 2D-to-3D model: ``inputs`` and ``data_samples``.

    Required keys: ``keypoints_2d`` ``(B, K, 2)`` and ``keypoints`` ``(B, K, 3)``, which become
    ``inputs`` and ``target``.

    Args:
        keys: What else goes into ``data_samples``, where present.

    Raises:
        DatasetError: A 2D pose is not finite, or has no size, all of its key points being in one
            place; names the sample.
    """

    def __init__(self, keys: Sequence[str] = ('subject', 'action', 'camera', 'mask')
                 ) -> None:
        self.keys = ('index', *keys)

    def __call__(self, batch: Batch) -> dict:
        samples = {key: batch[key] for key in self.keys if key in batch}
        samples['target'] = batch['keypoints']
        _check_points(batch['keypoints_2d'], batch.get('index'))
        return dict(inputs=batch['keypoints_2d'], data_samples=samples)


def _check_points(points: Tensor, index: Optional[Tensor]) -> None:
    """Refuse 2D poses ``(B, K, 2)`` that are not finite or without size."""
    size = points.amax((1, 2)) - points.amin((1, 2))
    usable = (size > 0) & size.isfinite()
    if not usable.all():
        row = int((~usable).nonzero()[0])
        sample = row if index is None else int(index[row])
        problem = 'a 2D pose without size' if size[row] == 0 else 'a 2D pose that is not finite'
        raise DatasetError(f'{problem}: sample {sample} of the data set')
