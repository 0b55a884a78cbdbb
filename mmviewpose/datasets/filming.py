"""Films of motion capture: people seen by cameras in step, as small images."""
from typing import NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from mmviewpose.datasets.formats.archive import Archive
from mmviewpose.rendering import Rendering, look_at, render
from mmviewpose.skeletons import get_skeleton, heading

MODALITIES = ('densepose', 'depth', 'rgb')
FACINGS = ('world', 'start')
_VIEWS_AT_A_TIME = 512


class Stage(NamedTuple):
    """Where C clips are filmed from, by V cameras each.

    Attributes:
        azimuth: Radians about the vertical, 0 where +z is in front of the camera, ``(C, V)``.
        height: Of the camera over the floor, mm, ``(C, V)``.
        people: Seed of the body and clothes, ``(C,)``.
    """
    azimuth: Tensor
    height: Tensor
    people: Tensor


class Film:
    """Films clips with several cameras in step.

    Each camera follows the person: the middle of its image is the hip's place on the floor plan,
    somewhat missed, at a fixed height. What is drawn (where the cameras of a clip stand exactly,
    who the person is, by how much the person is missed) depends on the seed, the archive's length
    and the number of the clip in it; not on which other clips are filmed.

    Args:
        image_size: Side S of the images, px.
        modality: ``'densepose'`` (part / 24, u, v), ``'depth'`` (of the person over its maximum)
            or ``'rgb'``.
        azimuths: Degrees about the person at which the cameras stand, 0 in front, 90 at the
            person's left.
        jitter: Largest deviation from that, degrees, drawn a clip and camera.
        facing: What in front is: ``'world'``, the +z axis, or ``'start'``, where the hips face in
            a clip's first valid frame.
        height: Range of the cameras' height, mm.
        distance: From camera to person, mm.
        extent: Width of what an image shows at the person, mm.
        aim: Height of the middle of the images, mm.
        wander: Deviation by which the middle of the person is missed in each image, mm.
        stride: Take every how many-th frame.
        turn: Largest angle, degrees, by which all cameras of a clip together are turned about the
            person, drawn a clip; with 180, people face anywhere.
        room: Seed of one background for all people and cameras of an ``'rgb'`` film; by default
            each person has one of their own.
        seed: Of all that is drawn.

    Raises:
        ValueError: Unknown modality or facing.
    """

    def __init__(self, image_size: int = 64, modality: str = 'densepose',
                 azimuths: Sequence[float] = (45., 0., 90.), jitter: float = 10.,
                 facing: str = 'world', height: Tuple[float, float] = (1000., 1600.),
                 distance: float = 4000., extent: float = 2200., aim: float = 950.,
                 wander: float = 40., stride: int = 1, turn: float = 0., room: Optional[int] = None,
                 seed: int = 0) -> None:
        if modality not in MODALITIES or facing not in FACINGS:
            raise ValueError(f'modality must be one of {MODALITIES} and facing one of {FACINGS}, '
                             f'got {modality!r}, {facing!r}')
        self.image_size, self.modality, self.facing = image_size, modality, facing
        self.azimuths, self.jitter = tuple(azimuths), jitter
        self.height, self.distance, self.extent, self.aim = height, distance, extent, aim
        self.wander, self.stride, self.turn = wander, stride, turn
        self.room, self.seed = room, seed

    @property
    def num_views(self) -> int:
        """V."""
        return len(self.azimuths)

    def stage(self, archive: Archive) -> Stage:
        """The cameras and people of all clips of an archive."""
        generator = torch.Generator().manual_seed(self.seed)
        size = (len(archive), self.num_views)
        azimuth = torch.tensor(self.azimuths) + self.jitter * (
            2 * torch.rand(size, generator=generator) - 1)
        low, high = self.height
        height = low + (high - low) * torch.rand(size, generator=generator)
        people = torch.randint(2**31, size[:1], generator=generator)
        turned = self.turn * (2 * torch.rand(len(archive), 1, generator=generator) - 1)
        azimuth = (azimuth + turned).deg2rad()
        if self.facing == 'start':
            first = archive.positions[_first_valid(archive)]
            azimuth = azimuth + torch.as_tensor(
                heading(first, get_skeleton(archive.layout)))[:, None]
        return Stage(azimuth, height, people)

    def __call__(self, archive: Archive, rows: np.ndarray, views: Optional[Sequence[int]] = None,
                 people: Optional[np.ndarray] = None) -> Tuple[Tensor, np.ndarray]:
        """Film some clips.

        Args:
            archive: Clips, y up; frames that are not valid are left out.
            rows: Their numbers, ``(R,)``.
            views: Numbers of the cameras, from 0; all by default.
            people: Seed of the person in each of the clips, ``(R,)`` int64, instead of drawn ones.

        Returns:
            Images ``(V, F, 3, S, S)`` uint8 of the frames of all clips one after the other, and
            how many frames each clip has, ``(R,)``.
        """
        frames, lengths = self.frames(archive, rows)
        clip = torch.as_tensor(np.repeat(rows, lengths))
        stage = self.stage(archive)
        if people is not None:
            stage.people[torch.as_tensor(rows)] = torch.as_tensor(people)
        positions = torch.as_tensor(archive.positions[frames])
        root = positions[:, get_skeleton(archive.layout).root]
        views = range(self.num_views) if views is None else views
        images = torch.empty(len(views), len(frames), 3, self.image_size, self.image_size,
                             dtype=torch.uint8)
        missed = torch.randn(self.num_views, len(archive.positions), 3,
                             generator=torch.Generator().manual_seed(self.seed + 1))
        missed = self.wander * missed[:, frames]
        chunks = range(0, len(frames), _VIEWS_AT_A_TIME)
        for place, view in enumerate(views):
            for start in tqdm(chunks, f'filming, camera {view + 1}', unit='chunk', delay=5,
                              leave=False):
                part = slice(start, start + _VIEWS_AT_A_TIME)
                number = clip[part]
                target = root[part] + missed[view, part]
                target[:, 1] += self.aim - root[part, 1]
                cameras = look_at(
                    _around(target, stage.azimuth[number, view], stage.height[number, view],
                            self.distance),
                    target, self.image_size * self.distance / self.extent, self.image_size)
                people = stage.people[number]
                rooms = None if self.room is None else torch.full_like(people, self.room)
                seen = render(positions[part], archive.layout, cameras, self.image_size, people,
                              rgb=self.modality == 'rgb', rooms=rooms)
                images[place, part] = self._channels(seen)
        return images, lengths

    def frames(self, archive: Archive, rows: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Numbers in the archive of the frames that are filmed of clips ``(R,)``, one clip after
        the other, ``(F,)``; and how many each has, ``(R,)``."""
        starts = archive.starts
        parts = [starts[row] + np.flatnonzero(
            archive.valid[starts[row]:starts[row] + archive.lengths[row]])[::self.stride]
            for row in rows]
        return np.concatenate(parts), np.array([len(part) for part in parts])

    def _channels(self, seen: Rendering) -> Tensor:
        if self.modality == 'rgb':
            return seen.rgb
        return seen.part_map() if self.modality == 'densepose' else seen.depth_map()


def _first_valid(archive: Archive) -> np.ndarray:
    """Number of the first valid frame of each clip, of its first where none is, ``(C,)``."""
    place = np.where(archive.valid, np.arange(len(archive.valid)), len(archive.valid))
    first = np.minimum.reduceat(place, archive.starts)
    return np.where(first < len(place), first, archive.starts)


def _around(target: Tensor, azimuth: Tensor, height: Tensor, distance: float) -> Tensor:
    """Places at a distance on the floor plan from targets ``(N, 3)``, ``(N, 3)``."""
    place = target + distance * torch.stack(
        [azimuth.sin(), torch.zeros_like(azimuth), azimuth.cos()], -1)
    place[:, 1] = height
    return place
