"""The project's own file of clips: one .npz without pickles, everything concatenated.

Arrays: ``positions`` (F, K, 3) float32, ``valid`` (F,) bool, ``lengths`` (S,) int64,
``names`` (S,), ``fps`` (S,) float64, ``label_KEY`` (S,) int64 or text for every label, and the
words ``layout``, ``up``, ``format``.
"""
from dataclasses import dataclass, field
from typing import Dict, List, Sequence

import numpy as np

from mmviewpose.errors import DatasetError
from mmviewpose.skeletons import get_skeleton

from .clip import UPS, PathLike, SkeletonClip
from .npz import label_arrays, read_npz, write_npz

FORMAT = 'mmviewpose-clips-1'


@dataclass
class Archive:
    """S clips of one layout, concatenated to F frames.

    Args:
        positions: (F, K, 3) float32, millimetres.
        lengths: (S,) frames of each clip.
        names: (S,) names of the clips.
        fps: (S,) frames per second, 0 where frames have no order in time.
        valid: (F,) bool, False for frames not to be used.
        layout: Key point layout.
        up: ``'+y'``, ``'+z'`` or ``'-y'``.
        labels: name -> (S,) int64 or text; a clip without the label has -1 or ''.
    """
    positions: np.ndarray
    lengths: np.ndarray
    names: np.ndarray
    fps: np.ndarray
    valid: np.ndarray
    layout: str
    up: str
    labels: Dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def starts(self) -> np.ndarray:
        """(S,) first frame of each clip."""
        return np.cumsum(self.lengths) - self.lengths

    def __len__(self) -> int:
        return len(self.lengths)

    def clip(self, index: int) -> SkeletonClip:
        """One clip; its arrays are views."""
        index = range(len(self))[index]
        start = int(self.starts[index])
        frames = slice(start, start + int(self.lengths[index]))
        labels = {k: v[index].item() for k, v in self.labels.items()}
        return SkeletonClip(self.positions[frames], self.layout, self.up, float(self.fps[index]),
                            str(self.names[index]), labels, self.valid[frames])

    def clips(self) -> List[SkeletonClip]:
        """All clips."""
        return [self.clip(i) for i in range(len(self))]


def from_clips(clips: Sequence[SkeletonClip]) -> Archive:
    """Clips of one layout and one up axis as an archive.

    Raises:
        DatasetError: No clips, a clip that differs from the first in layout or up axis, or a value
            that is not finite.
    """
    clips = list(clips)
    if not clips:
        raise DatasetError('no clips to write')
    first = clips[0]
    for clip in clips:
        if (clip.layout, clip.up) != (first.layout, first.up):
            raise DatasetError(f'an archive has one layout and one up axis, '
                               f'{first.name} has {first.layout} {first.up}, this one '
                               f'{clip.layout} {clip.up}', sequence=clip.name)
        bad = ~np.isfinite(clip.positions).all((1, 2))
        if bad.any():
            raise DatasetError('a value is not finite', sequence=clip.name,
                               frame=int(np.flatnonzero(bad)[0]))
    return Archive(
        np.concatenate([c.positions for c in clips]), np.array([len(c) for c in clips]),
        np.array([c.name for c in clips]), np.array([c.fps for c in clips], dtype=np.float64),
        np.concatenate([c.valid for c in clips]), first.layout, first.up,
        label_arrays([c.labels for c in clips]))


def write_archive(path: PathLike, clips: Sequence[SkeletonClip]) -> Archive:
    """Write clips as one .npz; the file appears whole or not at all.

    Returns:
        What was written.

    Raises:
        DatasetError: No clips, clips of several layouts, or the file cannot be written.
    """
    archive = from_clips(clips)
    write_npz(path, FORMAT, dict(
        positions=archive.positions, lengths=archive.lengths, names=archive.names,
        fps=archive.fps, valid=archive.valid, layout=np.array(archive.layout),
        up=np.array(archive.up)), archive.labels)
    return archive


def read_archive(path: PathLike) -> Archive:
    """The archive of a file that `write_archive` wrote.

    Raises:
        DatasetError: The file is missing, truncated, not an archive, or its arrays disagree.
    """
    arrays, labels = read_npz(path, FORMAT, 'archive of clips')
    try:
        archive = Archive(*(arrays[k] for k in ('positions', 'lengths', 'names', 'fps', 'valid')),
                          str(arrays['layout']), str(arrays['up']), labels)
    except KeyError as e:
        raise DatasetError(f'the archive has no {e}', file=path) from e
    _check(archive, path)
    return archive


def _check(archive: Archive, path: PathLike) -> None:
    try:
        joints = get_skeleton(archive.layout).num_joints
    except KeyError as e:
        raise DatasetError(e.args[0], file=path) from None
    frames, clips = len(archive.positions), len(archive.lengths)
    problems = {
        f'positions must be (F, {joints}, 3) float32':
        archive.positions.shape != (frames, joints, 3) or archive.positions.dtype != np.float32,
        'lengths must be positive and sum to the frames':
        archive.lengths.ndim != 1 or (archive.lengths < 1).any()
        or archive.lengths.sum() != frames or clips == 0,
        'valid must hold one flag a frame':
        archive.valid.shape != (frames,) or archive.valid.dtype != bool,
        'names, fps and labels must hold one entry a clip':
        any(a.shape != (clips,) for a in (archive.names, archive.fps, *archive.labels.values())),
        f'up must be one of {UPS}': archive.up not in UPS,
    }
    for problem, found in problems.items():
        if found:
            raise DatasetError(problem, file=path)
    bad = ~np.isfinite(archive.positions).all(axis=(1, 2))
    if bad.any():
        frame = int(np.flatnonzero(bad)[0])
        index = int(np.searchsorted(archive.starts, frame, side='right') - 1)
        raise DatasetError('a value is not finite', file=path, sequence=str(archive.names[index]),
                           frame=frame - int(archive.starts[index]))
