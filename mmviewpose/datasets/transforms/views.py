"""Transforms of batches of windows that several cameras saw.

The entries of a batch are described in :mod:`mmviewpose.datasets.datasets.multiview_dataset`.
Views of one window have the same ``window``; what is drawn for a window is the same for them.
Points are best :mod:`~mmviewpose.datasets.planar`, as those datasets give them.
"""
import math
from functools import lru_cache
from typing import Dict, Iterator, NamedTuple, Optional, Sequence, Tuple

import torch
from torch import Tensor

from mmviewpose.datasets.planar import planar, planar_length
from mmviewpose.datasets.transforms.projection import NEAREST, CameraTransform
from mmviewpose.errors import DatasetError
from mmviewpose.geometry.camera import project, world_to_camera
from mmviewpose.geometry.rotation import axis_angle_to_matrix
from mmviewpose.registry import TRANSFORMS
from mmviewpose.skeletons import get_skeleton

Batch = Dict[str, Tensor]


def windows_of(batch: Batch) -> Tuple[Tensor, int]:
    """Number of each sample's window among those of the batch, ``(B,)``, and how many they are."""
    number = batch['window'].unique(return_inverse=True)[1]
    return number, int(number.max()) + 1


def about_vertical(angles: Tensor) -> Tensor:
    """Rotations ``(..., 3, 3)`` about +y by radians ``(...)``."""
    cos, sin = angles.cos(), angles.sin()
    zero, one = torch.zeros_like(cos), torch.ones_like(cos)
    return torch.stack([cos, zero, sin, zero, one, zero, -sin, zero, cos], -1).unflatten(-1, (3, 3))


class _Rig(NamedTuple):
    """Cameras of the samples of a batch, camera-to-world: ``(B, 3, 3)`` and ``(B, 3)`` mm."""
    rotation: Tensor
    centre: Tensor


@TRANSFORMS.register_module()
class ProjectViews(CameraTransform):
    """Film each window: somewhere in the volume, at a random heading, by a camera a view.

    Replaces ``keypoints`` ``(B, T, K, 3)`` in the world by the pose in the camera's axes (x right,
    y down, z forward, mm) and adds ``keypoints_2d`` ``(B, T, K, 2)`` px, ``intrinsics`` ``(B, 4)``
    and ``image_size`` ``(B, 2)``. The camera file knows where cameras stand, not their lenses:
    ``focal`` and ``image_size`` are nominal values near all of Human3.6M's.

    Args:
        cameras: File of ``tools/dataset_converters/h36m_cameras.py``; None takes the four built-in
            cameras.
        subjects: Use the cameras of these people's recordings only.
        angles: Degrees. View v is a random camera turned about the vertical through the middle of
            the volume by ``angles[v]``; no two of Human3.6M's cameras are 90 degrees apart. None:
            view v is the v-th of the cameras of one random recording.
        heading: Turn each window at random about the vertical.
        size: Range of a factor on the size of the people, drawn a window.
        area: Half the side of the square around the origin for the middle of the path, mm.
        reach: Longer paths are shortened to this distance from their middle, mm.
        floor: Height of the window's lowest joint above the floor, mm.
        moving: Cameras move with each frame, smoothly and each for itself.
        orbit_degrees: Farthest that a moving camera strays around the people.
        pan_degrees: Farthest that a moving camera looks aside, up or down.
        focal: Focal length, px.
        image_size: Width and height, px; the principal point is in the middle.
        root: Root joint.

    Raises:
        DatasetError: The file is missing or broken or has no such camera; there are fewer cameras
            or angles than views; a joint is behind its camera.
    """

    def __init__(self, cameras: Optional[str] = None, subjects: Optional[Sequence[int]] = None,
                 angles: Optional[Sequence[float]] = None, heading: bool = True,
                 size: Tuple[float, float] = (1., 1.), area: float = 500., reach: float = 1500.,
                 floor: float = 70., moving: bool = False, orbit_degrees: float = 15.,
                 pan_degrees: float = 4., focal: float = 1145.,
                 image_size: Tuple[float, float] = (1000., 1000.), root: int = 0) -> None:
        super().__init__(cameras, subjects)
        self.recordings = [torch.flatten((self.subjects == number).nonzero())
                           for number in self.subjects.unique()]
        self.angles = None if angles is None else torch.tensor(angles).float().deg2rad()
        self.heading, self.size, self.area, self.reach = heading, size, area, reach
        self.floor, self.moving, self.root = floor, moving, root
        self.orbit, self.pan = math.radians(orbit_degrees), math.radians(pan_degrees)
        self.focal, self.image_size = float(focal), tuple(map(float, image_size))

    def __call__(self, batch: Batch) -> Batch:
        window, count = windows_of(batch)
        poses = batch['keypoints']
        scale = torch.empty(count).uniform_(*self.size)[window]
        shift = self._shift(poses, scale, window, count)
        rig = self._cameras(batch['view'], window, count)
        if self.moving:
            rig = self._moved(rig, poses.shape[1], batch['fps'])
        seen = _seen(poses, scale, shift, rig)
        if not seen[..., 2].min() >= NEAREST:
            raise DatasetError('a joint is behind its camera or too near; a smaller area or reach '
                               'keeps people away from it', file=self.file)
        size = poses.new_tensor(self.image_size)
        focal = poses.new_full((2,), self.focal)
        points = project(seen, focal, size / 2).mul_(batch['scores'].sign()[..., None])
        batch.update(
            keypoints=seen, keypoints_2d=points,
            intrinsics=torch.cat([focal, size / 2]).repeat(len(poses), 1),
            image_size=size.repeat(len(poses), 1))
        return batch

    def _shift(self, poses: Tensor, scale: Tensor, window: Tensor, count: int) -> Tensor:
        """What is to be added to the scaled poses, ``(B, T, 3)`` mm, to bring the middle of the
        path near the origin and the lowest joint to the floor."""
        root = poses[:, :, self.root]
        origin = root.mean(1)
        path = root - origin[:, None]
        path[..., 1] = 0
        farthest = path.square().sum(-1).amax(1).sqrt()
        kept = self.reach / farthest.clamp_min(self.reach)
        origin[:, 1] = poses[..., 1].amin((1, 2))
        place = torch.empty(count, 3).uniform_(-self.area, self.area)[window]
        place[:, 1] = self.floor
        shift = path * (kept - 1)[:, None, None] - origin[:, None]
        return shift * scale[:, None, None] + place[:, None]

    def _cameras(self, view: Tensor, window: Tensor, count: int) -> _Rig:
        wanted = int(view.max()) + 1
        # people that turn under cameras are cameras that turn about people
        turn = 2 * math.pi * torch.rand(count)[window] * self.heading
        if self.angles is None:
            recordings = [cameras for cameras in self.recordings if len(cameras) >= wanted]
            if not recordings:
                raise DatasetError(f'no recording has {wanted} cameras, one a view',
                                   file=self.file)
            table = torch.stack([cameras[:wanted] for cameras in recordings])
            number = table[torch.randint(len(table), (count,))[window], view]
        elif wanted > len(self.angles):
            raise DatasetError(f'{wanted} views but {len(self.angles)} angles')
        else:
            number = torch.randint(len(self.centres), (count,))[window]
            turn = turn + self.angles[view]
        turned = about_vertical(turn)
        return _Rig(turned @ self.rotations[number],
                    (turned @ self.centres[number, :, None])[..., 0])

    def _moved(self, rig: _Rig, num_frames: int, fps: Tensor) -> _Rig:
        """The same cameras in each frame, ``(B, T, 3, 3)`` and ``(B, T, 3)``."""
        seconds = torch.arange(num_frames) / fps[:, None].clamp_min(1.)
        orbit, pan = self.orbit * _wander(seconds), self.pan * _wander(seconds)  # (B, T)
        tilt = self.pan * _wander(seconds)
        sideways = tilt.new_tensor([1., 0., 0.]).expand(*tilt.shape, 3)
        rotation = (about_vertical(orbit + pan) @ rig.rotation[:, None]
                    @ axis_angle_to_matrix(sideways, tilt))
        return _Rig(rotation, (about_vertical(orbit) @ rig.centre[:, None, :, None])[..., 0])


def _seen(poses: Tensor, scale: Tensor, shift: Tensor, rig: _Rig) -> Tensor:
    """Poses, scaled and shifted, in the cameras' axes: ``(B, T, K, 3)``."""
    if rig.rotation.dim() == 3:
        turned = (rig.rotation * scale[:, None, None]).mT @ poses.flatten(1, 2).mT
        turned = turned.mT.unflatten(1, poses.shape[1:3])
        return turned + world_to_camera(shift, rig.rotation, rig.centre)[:, :, None]
    turned = poses @ (rig.rotation * scale[:, None, None, None])
    return planar(turned + world_to_camera(shift[:, :, None], rig.rotation, rig.centre))


def _wander(seconds: Tensor) -> Tensor:
    """Two slow waves of random frequency and phase, ``(B, T)`` in [-1, 1]."""
    frequency, phase = torch.rand(2, len(seconds), 1), torch.rand(2, len(seconds), 1)
    frequency = 0.05 + frequency * frequency.new_tensor([0.15, 0.45])[:, None, None]
    share = frequency.new_tensor([0.7, 0.3])[:, None, None]
    return (share * torch.sin(2 * math.pi * (frequency * seconds + phase))).sum(0)


@TRANSFORMS.register_module()
class DetectionNoise:
    """Make of exact image points what a detector would.

    Each coordinate gets white noise and noise that drifts with time, both larger for the ends of
    the limbs. Now and then a joint is lost for some frames: its point is far off with a score
    below 0.1, or, for a share of these spells, there is none (score 0, point 0). The score of a
    joint that is found falls with its error e as ``exp(-e / falloff)``, times a random factor. A
    point outside the image is not found.

    Args:
        noise: Standard deviation of the white noise, px of an image 1,000 px wide, averaged over
            the joints.
        drift: The same for the drifting noise.
        drift_frames: Over how many frames it drifts.
        drop: Share of joints and frames that are lost.
        drop_frames: About how many frames a spell lasts.
        missing: Share of the spells in which there is no point at all.
        far: Standard deviation of how far off a lost point is, px.
        falloff: Error at which the score has fallen to 1/e, px.
        skeleton: Layout of the key points.
    """

    def __init__(self, noise: float = 3., drift: float = 3., drift_frames: float = 8.,
                 drop: float = 0.03, drop_frames: float = 6., missing: float = 0.3,
                 far: float = 60., falloff: float = 20., skeleton: str = 'h36m17') -> None:
        self.noise, self.drift, self.drift_frames = noise, drift, drift_frames
        self.drop, self.drop_frames, self.missing = drop, drop_frames, missing
        self.far, self.falloff = far, falloff
        # a level of smooth normal noise below which a share `drop` of it lies
        self.lost_below = math.sqrt(2.) * float(torch.erfinv(torch.tensor(2. * drop - 1.)))
        self.level = joint_noise_level(skeleton)

    def __call__(self, batch: Batch) -> Batch:
        points, scores = batch['keypoints_2d'], batch['scores']
        size = batch['image_size'][:, None, None]  # (B, 1, 1, 2)
        error = self._errors(points.shape)
        chance = torch.rand(scores.shape)
        score = (planar_length(error) / -self.falloff).exp_().mul_(0.8 + 0.2 * chance)
        there = scores > 0
        for lost, missing in self._spells(scores.shape):
            score[lost] = 0.01 + 0.09 * chance[lost]
            error[lost] = self.far * torch.randn(len(lost[0]), 2)
            there[tuple(index[missing] for index in lost)] = False
        found = torch.addcmul(points, error, size[..., :1] / 1000.)
        for axis in range(2):
            there &= (found[..., axis] >= 0) & (found[..., axis] <= size[..., axis])
        kept = there.to(score.dtype)
        batch.update(scores=score.mul_(kept), keypoints_2d=found.mul_(kept[..., None]))
        batch['frame_mask'] = batch['frame_mask'] & there.any(-1)
        return batch

    def _errors(self, shape: torch.Size) -> Tensor:
        """Errors ``(B, T, K, 2)`` of joints that are found, px of an image 1,000 px wide."""
        size, length, joints, dims = shape
        error = torch.randn(dims * size, length, joints).mul_(self.noise * self.level)
        if self.drift:
            weight, knots = smooth_noise(dims * size, length, joints, self.drift_frames)
            error.baddbmm_(weight, knots * (self.drift * self.level))
        return error.unflatten(0, (dims, size)).movedim(0, -1)

    def _spells(self, shape: torch.Size) -> Iterator[Tuple[Tuple[Tensor, ...], Tensor]]:
        """Indices of the joints that are lost, and which of these are not there at all; nothing
        where there is no drop-out."""
        if self.drop:
            weight, knots = smooth_noise(*shape, self.drop_frames)
            lost = (torch.bmm(weight, knots) < self.lost_below).nonzero(as_tuple=True)
            missing = torch.rand(shape[0], shape[2]) < self.missing
            yield lost, missing[lost[0], lost[2]]


def joint_noise_level(skeleton: str) -> Tensor:
    """How much noisier than the mean each joint is found, ``(K,)``; mean 1."""
    level = dict(wrist=1.6, hand=1.6, ankle=1.5, foot=1.5, elbow=1.2, knee=1.1)
    joints = [joint.replace('left_', '').replace('right_', '')
              for joint in get_skeleton(skeleton).joints]
    values = torch.tensor([level.get(joint, 0.8) for joint in joints])
    return values / values.mean()


def smooth_noise(size: int, length: int, joints: int, frames: float) -> Tuple[Tensor, Tensor]:
    """Two factors ``(B, T, M)`` and ``(B, M, K)`` whose product is standard normal noise that is
    smooth over about ``frames`` of T frames: random knots blended by Gaussian weights whose squares
    add up to 1."""
    weight = _blending(length, max(frames / 2., 1.))
    return weight.expand(size, *weight.shape), torch.randn(size, weight.shape[1], joints)


@lru_cache(maxsize=None)
def _blending(length: int, step: float) -> Tensor:
    knots = torch.arange(-2. * step, length + 2. * step, step)
    weight = torch.exp(-(torch.arange(length)[:, None] - knots).square() / (2. * step * step))
    return weight / weight.norm(dim=1, keepdim=True)


@TRANSFORMS.register_module()
class FlipViews:
    """Mirror a share of the windows, all views of one together: images left to right about their
    middle (the principal point moves along), left and right joints exchanged, x of 3D negated.

    ``keypoints`` must be in the camera's axes and ``keypoints_2d`` in px.

    Args:
        prob: Share of mirrored windows.
        skeleton: Layout of the key points.
    """

    def __init__(self, prob: float = 0.5, skeleton: str = 'h36m17') -> None:
        self.prob = prob
        self.flip_index = torch.tensor(get_skeleton(skeleton).flip_index)

    def __call__(self, batch: Batch) -> Batch:
        window, count = windows_of(batch)
        flipped = (torch.rand(count) < self.prob)[window]
        sign = torch.where(flipped, -1., 1.)
        order = torch.where(flipped[:, None], self.flip_index, torch.arange(len(self.flip_index)))
        moved = flipped * batch['image_size'][:, 0]  # x becomes sign x + moved
        scores = batch['scores'].gather(2, order[:, None].expand(batch['scores'].shape))
        points = _reordered(batch['keypoints_2d'], order)
        poses = _reordered(batch['keypoints'], order)
        x = points[..., 0]
        x.mul_(sign[:, None, None]).add_(moved[:, None, None]).mul_(scores.sign())
        poses[..., 0].mul_(sign[:, None, None])
        intrinsics = batch['intrinsics'].clone()
        intrinsics[:, 2] = intrinsics[:, 2] * sign + moved
        batch.update(scores=scores, keypoints_2d=points, keypoints=poses, intrinsics=intrinsics)
        return batch


def _reordered(points: Tensor, order: Tensor) -> Tensor:
    """Points ``(B, T, K, D)`` with the joints in an order ``(B, K)`` of each sample's own."""
    planes = points.movedim(-1, 0)
    return planes.gather(3, order[:, None].expand(planes.shape)).movedim(0, -1)


@TRANSFORMS.register_module()
class PackViews:
    """Make the batch of a lifter of sequences: ``inputs`` and ``data_samples``.

    ``inputs`` is ``(B, T, K, 3)``: x, y and score. ``data_samples`` holds ``target`` ``(B, T, K,
    3)``, the 3D relative to the root joint in mm, ``root`` ``(B, T, 3)``, where the root is in the
    camera's axes in mm, ``keypoints_2d``, ``scores`` (0 also where ``frame_mask`` is False),
    ``frame_mask``, ``has_3d``, ``intrinsics``, ``image_size``, ``clip``, ``view``, ``window``,
    ``start``, ``fps``, ``index`` and ``keys``.

    Args:
        root: Root joint.
        keys: What else goes into ``data_samples``, where present.
    """

    def __init__(self, root: int = 0, keys: Sequence[str] = ('subject', 'action')) -> None:
        self.root = root
        self.keys = ('index', 'frame_mask', 'has_3d', 'intrinsics', 'image_size', 'clip', 'view',
                     'window', 'start', 'fps', *keys)

    def __call__(self, batch: Batch) -> dict:
        points, scores, poses = batch['keypoints_2d'], batch['scores'], batch['keypoints']
        samples = {key: batch[key] for key in self.keys if key in batch}
        root = poses[:, :, self.root]
        samples.update(target=poses - root[:, :, None], root=root, keypoints_2d=points,
                       scores=scores * batch['frame_mask'][..., None])
        inputs = points.new_empty((*scores.shape, 3))
        inputs[..., :2], inputs[..., 2] = points, scores
        return dict(inputs=inputs, data_samples=samples)
