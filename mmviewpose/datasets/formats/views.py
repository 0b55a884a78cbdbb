"""The project's own file of performances that several cameras saw: one .npz without pickles.

A *clip* is one performance, a *sequence* one camera's view of it. Sequences are concatenated; those
of a clip have the same number of frames, taken at the same moments.
"""
from dataclasses import dataclass, field, fields
from typing import Dict, List, Mapping, Optional, Sequence

import numpy as np

from mmviewpose.errors import DatasetError
from mmviewpose.skeletons import get_skeleton

from .clip import PathLike
from .npz import label_arrays, read_npz, write_npz

FORMAT = 'mmviewpose-views-1'


@dataclass
class ViewSequence:
    """One camera's view of a performance, T frames.

    Args:
        keypoints: (T, K, 2) float32 image points in px, x right, y down; 0 where the score is 0.
        scores: (T, K) float32 in [0, 1]; 0: not seen.
        clip: Name of the performance.
        view: Name of the camera.
        fps: Frames per second.
        image_size: (width, height) px.
        layout: Key point layout.
        intrinsics: (fx, fy, cx, cy) px; None where they are not known.
        positions: (T, K, 3) float32 mm in the camera's axes (x right, y down, z forward); None
            where there is no 3D label.
        labels: Named whole numbers or words of the performance (subject, action ...).
    """
    keypoints: np.ndarray
    scores: np.ndarray
    clip: str
    view: str
    fps: float
    image_size: Sequence[float]
    layout: str
    intrinsics: Optional[Sequence[float]] = None
    positions: Optional[np.ndarray] = None
    labels: Mapping[str, object] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.keypoints)


@dataclass
class ViewArchive:
    """S sequences of C clips, concatenated to F frames.

    Args:
        keypoints: (F, K, 2) float32 px.
        scores: (F, K) float32 in [0, 1].
        positions: (F, K, 3) float32 mm in each camera's axes, NaN in the sequences without label.
        lengths: (S,) frames of each sequence.
        clips: (S,) names of the performances.
        views: (S,) names of the cameras.
        fps: (S,) frames per second.
        image_sizes: (S, 2) px.
        intrinsics: (S, 4) fx, fy, cx, cy in px, NaN where not known.
        layout: Key point layout.
        labels: name -> (S,) int64 or text; -1 or '' where a sequence has none.
    """
    keypoints: np.ndarray
    scores: np.ndarray
    positions: np.ndarray
    lengths: np.ndarray
    clips: np.ndarray
    views: np.ndarray
    fps: np.ndarray
    image_sizes: np.ndarray
    intrinsics: np.ndarray
    layout: str
    labels: Dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def starts(self) -> np.ndarray:
        """(S,) first frame of each sequence."""
        return np.cumsum(self.lengths) - self.lengths

    @property
    def labelled(self) -> np.ndarray:
        """(S,) bool, True for sequences with 3D: those that are not NaN throughout."""
        return np.logical_or.reduceat(~np.isnan(self.positions).all((1, 2)), self.starts)

    def __len__(self) -> int:
        return len(self.lengths)


ARRAYS = [f.name for f in fields(ViewArchive) if f.name not in ('layout', 'labels')]


def from_sequences(sequences: Sequence[ViewSequence]) -> ViewArchive:
    """Sequences of one layout as a checked archive, the views of a clip side by side.

    Raises:
        DatasetError: No sequences, several layouts, arrays of another shape than the layout's, a
            view twice, or views of a clip that differ in length or frame rate; see also
            :func:`check_archive`.
    """
    sequences = sorted(sequences, key=lambda s: (s.clip, s.view))
    if not sequences:
        raise DatasetError('no sequences to write')
    layouts = sorted({s.layout for s in sequences})
    if len(layouts) > 1:
        raise DatasetError(f'an archive has one layout, these have {layouts}')
    for sequence in sequences:
        _check_shapes(sequence)
    unknown = [np.nan] * 4
    archive = ViewArchive(
        np.concatenate([s.keypoints for s in sequences]).astype(np.float32),
        np.concatenate([s.scores for s in sequences]).astype(np.float32),
        np.concatenate([_positions(s) for s in sequences]),
        np.array([len(s) for s in sequences], dtype=np.int64),
        np.array([s.clip for s in sequences]), np.array([s.view for s in sequences]),
        np.array([s.fps for s in sequences], dtype=np.float64),
        np.array([s.image_size for s in sequences], dtype=np.float64),
        np.array([s.intrinsics if s.intrinsics is not None else unknown for s in sequences],
                 dtype=np.float64),
        layouts[0], label_arrays([s.labels for s in sequences]))
    check_archive(archive)
    return archive


def _check_shapes(sequence: ViewSequence) -> None:
    name = f'{sequence.clip} ({sequence.view})'
    try:
        frame = len(sequence), get_skeleton(sequence.layout).num_joints
    except KeyError as e:
        raise DatasetError(e.args[0], sequence=name) from None
    for key, shape in dict(keypoints=(*frame, 2), scores=frame, positions=(*frame, 3)).items():
        value = getattr(sequence, key)
        if value is not None and np.shape(value) != shape:
            raise DatasetError(f'{key} of {sequence.layout} must be {shape}, got '
                               f'{np.shape(value)}', sequence=name)


def _positions(sequence: ViewSequence) -> np.ndarray:
    if sequence.positions is None:
        return np.full((*sequence.keypoints.shape[:2], 3), np.nan, np.float32)
    return np.asarray(sequence.positions, np.float32)


def write_views(path: PathLike, sequences: Sequence[ViewSequence]) -> ViewArchive:
    """Write sequences as one .npz; the file appears whole or not at all.

    Returns:
        What was written.

    Raises:
        DatasetError: See :func:`from_sequences`; or the file cannot be written.
    """
    archive = from_sequences(sequences)
    arrays = {key: getattr(archive, key) for key in ARRAYS}
    write_npz(path, FORMAT, dict(arrays, layout=np.array(archive.layout)), archive.labels)
    return archive


def read_views(path: PathLike) -> ViewArchive:
    """The archive of a file that :func:`write_views` wrote.

    Raises:
        DatasetError: The file is missing, truncated, not such an archive, or its arrays disagree.
    """
    arrays, labels = read_npz(path, FORMAT, 'archive of views')
    try:
        archive = ViewArchive(*(arrays[key] for key in ARRAYS), str(arrays['layout']), labels)
    except KeyError as e:
        raise DatasetError(f'the archive has no {e}', file=path) from e
    check_archive(archive, path)
    return archive


def check_archive(archive: ViewArchive, path: Optional[PathLike] = None) -> None:
    """Check that the arrays fit each other and hold what they should.

    Raises:
        DatasetError: Names file, sequence and frame.
    """
    try:
        joints = get_skeleton(archive.layout).num_joints
    except KeyError as e:
        raise DatasetError(e.args[0], file=path) from None
    frames, count = len(archive.keypoints), len(archive.lengths)
    shapes = dict(keypoints=(frames, joints, 2), scores=(frames, joints),
                  positions=(frames, joints, 3), lengths=(count, ), clips=(count, ),
                  views=(count, ), fps=(count, ), image_sizes=(count, 2), intrinsics=(count, 4))
    for key, shape in shapes.items():
        if getattr(archive, key).shape != shape:
            raise DatasetError(f'{key} must be {shape}, got {getattr(archive, key).shape}',
                               file=path)
    if not count or (archive.lengths < 1).any() or archive.lengths.sum() != frames:
        raise DatasetError('lengths must be positive and sum to the frames', file=path)
    for key, value in archive.labels.items():
        if value.shape != (count, ):
            raise DatasetError(f'label {key} must hold one entry a sequence', file=path)
    for key in ('fps', 'image_sizes'):
        value = getattr(archive, key).reshape(count, -1)
        bad = ~(np.isfinite(value) & (value > 0)).all(1)
        if bad.any():
            row = int(bad.argmax())
            raise DatasetError(f'{key} must be positive, got {value[row].tolist()}', file=path,
                               sequence=f'{archive.clips[row]} ({archive.views[row]})')
    _check_clips(archive, path)
    _check_values(archive, path)


def _check_clips(archive: ViewArchive, path: Optional[PathLike]) -> None:
    """Views of a clip side by side, each once, of one length and rate."""
    seen: Dict[str, List[int]] = {}
    for row, clip in enumerate(archive.clips.tolist()):
        rows = seen.setdefault(clip, [])
        if rows and rows[-1] != row - 1:
            raise DatasetError('the views of a clip must stand side by side', file=path,
                               sequence=clip)
        rows.append(row)
    for clip, rows in seen.items():
        views = archive.views[rows].tolist()
        if len(set(views)) < len(views):
            raise DatasetError(f'a view comes twice: {views}', file=path, sequence=clip)
        for key, word in (('lengths', 'lengths'), ('fps', 'frame rates')):
            values = getattr(archive, key)[rows]
            if (values != values[0]).any():
                found = ', '.join(f'{v}: {n:g}' for v, n in zip(views, values.tolist()))
                raise DatasetError(f'views of different {word} ({found}); synchronise them, '
                                   'tools/dataset_converters/multiview_keypoints.py does',
                                   file=path, sequence=clip)


def _check_values(archive: ViewArchive, path: Optional[PathLike]) -> None:
    scores = archive.scores
    bad = ~(np.isfinite(archive.keypoints).all((1, 2)) & np.isfinite(scores).all(1)
            & (scores >= 0).all(1) & (scores <= 1).all(1))
    labelled = np.repeat(archive.labelled, archive.lengths)
    bad |= labelled & ~np.isfinite(archive.positions).all((1, 2))
    if bad.any():
        frame = int(np.flatnonzero(bad)[0])
        row = int(np.searchsorted(archive.starts, frame, side='right') - 1)
        raise DatasetError('a value is not finite, or a score not in [0, 1]', file=path,
                           sequence=f'{archive.clips[row]} ({archive.views[row]})',
                           frame=frame - int(archive.starts[row]))

