"""The one thing every reader returns: a named sequence of 3D skeletons."""
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Optional, Sequence, TypeVar, Union

import numpy as np

from mmviewpose.errors import DatasetError
from mmviewpose.skeletons import get_skeleton, remap

UPS = ('+y', '+z', '-y')

PathLike = Union[str, Path]
Item = TypeVar('Item')


@dataclass
class SkeletonClip:
    """A sequence of T skeletons of one person.

    Args:
        positions: (T, K, 3) float32, millimetres, right-handed. Coordinates that are not finite in
            the source are 0 here and their frame is not valid.
        layout: Name of the key point layout, see `mmviewpose.skeletons`.
        up: Axis that points up in the source: ``'+y'``, ``'+z'`` or ``'-y'`` (camera space).
        fps: Frames per second; 0 where the frames have no order in time.
        name: Name of the sequence, unique within its source.
        labels: Named whole numbers or words (action, subject, view ...).
        valid: (T,) bool, False for frames that are not to be used; all True by default.
    """
    positions: np.ndarray
    layout: str
    up: str
    fps: float
    name: str
    labels: Dict[str, Union[int, str]] = field(default_factory=dict)
    valid: Optional[np.ndarray] = None

    def __post_init__(self) -> None:
        joints = get_skeleton(self.layout).num_joints
        shape = np.shape(self.positions)
        if len(shape) != 3 or shape[1:] != (joints, 3):
            raise DatasetError(f'layout {self.layout} needs positions of shape (T, {joints}, 3), '
                               f'got {shape}', sequence=self.name)
        if shape[0] == 0:
            raise DatasetError('no frames', sequence=self.name)
        if self.up not in UPS:
            raise ValueError(f'up must be one of {UPS}, got {self.up!r}')
        self.positions = np.ascontiguousarray(self.positions, dtype=np.float32)
        if self.valid is None:
            self.valid = np.ones(shape[0], dtype=bool)
        self.valid = np.asarray(self.valid, dtype=bool)
        if self.valid.shape != (shape[0],):
            raise DatasetError(f'{shape[0]} frames but a mask of shape {self.valid.shape}',
                               sequence=self.name)

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def num_masked(self) -> int:
        """Number of frames that are not valid."""
        return int((~self.valid).sum())


def turned_up(positions: np.ndarray, up: str) -> np.ndarray:
    """Positions (..., 3) turned, never mirrored, about the x axis so that the axis `up`, one of
    `UPS`, becomes +y."""
    x, y, z = np.moveaxis(positions, -1, 0)
    return np.stack({'+y': (x, y, z), '+z': (x, z, -y), '-y': (x, -y, -z)}[up], axis=-1)


def to_y_up(clip: SkeletonClip) -> SkeletonClip:
    """The clip turned, never mirrored, about the x axis so that +y is up.

    Camera-space clips (``'-y'``) are turned by half a turn: they stay tilted by the camera's tilt.
    """
    return replace(clip, positions=turned_up(clip.positions, clip.up), up='+y')


def to_layout(clip: SkeletonClip, layout: str) -> SkeletonClip:
    """The clip in another key point layout.

    Raises:
        ValueError: A joint of `layout` cannot be had from the clip's layout.
    """
    if layout == clip.layout:
        return clip
    return replace(clip, positions=remap(clip.positions, clip.layout, layout), layout=layout)


def take_every(clip: SkeletonClip, stride: int) -> SkeletonClip:
    """Every `stride`-th frame, from the first."""
    if stride < 1:
        raise ValueError(f'stride must be at least 1, got {stride}')
    return replace(clip, positions=clip.positions[::stride], valid=clip.valid[::stride],
                   fps=clip.fps / stride)


def at_fps(clip: SkeletonClip, fps: float) -> SkeletonClip:
    """The clip at another frame rate.

    A whole ratio drops frames; any other ratio interpolates linearly between neighbours, and a
    frame made of one that is not valid is not valid. A clip without a frame rate stays as it is.
    """
    if fps <= 0:
        raise ValueError(f'fps must be positive, got {fps}')
    if clip.fps <= 0 or len(clip) == 1:
        return clip
    ratio = clip.fps / fps
    # Frame times are written with few digits (0.0333333): 30.00003 fps is 30.
    if abs(ratio - round(ratio)) < 1e-3 * ratio and round(ratio) >= 1:
        return replace(take_every(clip, int(round(ratio))), fps=float(fps))
    times = np.arange(0, len(clip) - 1 + 1e-6, ratio)
    before = np.minimum(times.astype(int), len(clip) - 2)
    weight = (times - before).astype(np.float32)
    mixed = (clip.positions[before] * (1 - weight)[:, None, None]
             + clip.positions[before + 1] * weight[:, None, None])
    valid = ((clip.valid[before] | (weight == 1)) & (clip.valid[before + 1] | (weight == 0)))
    return replace(clip, positions=mixed, valid=valid, fps=float(fps))


def masked_clip(positions: np.ndarray, *, file: Optional[PathLike], name: str, layout: str,
                up: str, fps: float, labels: Dict[str, Union[int, str]],
                zero_joint_invalid: bool = True) -> SkeletonClip:
    """A clip whose broken frames are masked: not finite, all zero or, for sensors whose origin no
    joint can reach, with any joint at exactly zero.

    Raises:
        DatasetError: No frame is usable.
    """
    positions = np.asarray(positions, dtype=np.float32)
    finite = np.isfinite(positions).all(axis=(1, 2))
    zero = (positions == 0).all(axis=2)
    broken = zero.any(axis=1) if zero_joint_invalid else zero.all(axis=1)
    valid = finite & ~broken
    if len(positions) and not valid.any():
        raise DatasetError('every frame is all zero or not finite', file=file, sequence=name)
    positions = np.where(np.isfinite(positions), positions, np.float32(0))
    try:
        return SkeletonClip(positions, layout, up, fps, name, labels, valid)
    except DatasetError as e:
        raise DatasetError(e.problem, file=file, sequence=name) from None


def require_finite(positions: np.ndarray, file: PathLike, name: str, stride: int = 1) -> None:
    """Raise a `DatasetError` at the first frame of (T, ...) with a value that is not finite.

    The frame is counted in the file, of which every `stride`-th frame was read.
    """
    bad = ~np.isfinite(positions.reshape(len(positions), -1)).all(axis=1)
    if bad.any():
        raise DatasetError('a value is not finite', file=file, sequence=name,
                           frame=int(np.flatnonzero(bad)[0]) * stride)


def read_text(path: PathLike) -> str:
    """The text of a file.

    Raises:
        DatasetError: The file is missing, cannot be read or is not text.
    """
    try:
        return Path(path).read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError) as e:
        raise DatasetError(f'cannot be read ({_reason(e)})', file=path) from e


def _reason(error: Exception) -> str:
    return getattr(error, 'strerror', None) or str(error) or type(error).__name__


def find_files(root: PathLike, pattern: str) -> List[Path]:
    """The files below `root` whose name fits `pattern`, sorted; `root` itself if it is a file.

    Raises:
        DatasetError: `root` does not exist or holds no such file.
    """
    root = Path(root)
    if root.is_file():
        return [root]
    if not root.is_dir():
        raise DatasetError('no such file or folder', file=root)
    files = sorted(p for p in root.rglob(pattern) if p.is_file())
    if not files:
        raise DatasetError(f'the folder holds no {pattern} file', file=root)
    return files


def read_each(items: Sequence[Item], read: Callable[[Item], Iterable[SkeletonClip]],
              progress: bool = False, desc: str = 'reading') -> List[SkeletonClip]:
    """All clips that `read` gives for the items, in order; `progress` shows a bar."""
    if progress:
        from tqdm import tqdm
        items = tqdm(items, desc=desc, unit='file')
    return [clip for item in items for clip in read(item)]
