"""mmpose's .npz of 3D poses: ``imgname`` (N,), ``S`` (N, 17, 4) and ``part`` (N, 17, 3).

``S`` is in metres in the camera's axes (x right, y down, z forward) with a visibility, ``part`` in
pixels with a visibility. The names of the images say what was recorded and which frame it is. What
the readers of Human3.6M and MPI-INF-3DHP share.
"""
import contextlib
import zipfile
from typing import (Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple,
                    TypeVar)

import numpy as np

from mmviewpose.errors import DatasetError

from .clip import PathLike
from .npz import read_npy
from .views import ViewSequence

Key = TypeVar('Key')


class View(NamedTuple):
    """Usable rows of the file and their frame numbers, in the order of time."""
    camera: str
    rows: np.ndarray
    frames: np.ndarray


@contextlib.contextmanager
def opened(path: PathLike) -> Iterator[Any]:
    """An .npz to take arrays from.

    Raises:
        DatasetError: It is unreadable, or what the block asked for is not in it or not numbers.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            yield data
    except KeyError as e:
        raise DatasetError(f'no array {e}', file=path) from e
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError, TypeError) as e:
        raise DatasetError(f'not a readable .npz, or a truncated one ({e})', file=path) from e


def load_arrays(path: PathLike) -> Tuple[np.ndarray, np.ndarray, Optional[np.ndarray]]:
    """Image names (N,), ``S`` (N, 17, 4) and ``part`` (N, 17, 3) or None of a file.

    Raises:
        DatasetError: Unreadable, an array is missing or of a wrong shape, or no frames.
    """
    with opened(path) as data:
        names, points = data['imgname'], data['S']
        image_points = data['part'] if 'part' in data.files else None
    if points.shape != (len(names), 17, 4):
        raise DatasetError(f'S must be ({len(names)}, 17, 4), got {points.shape}', file=path)
    if len(names) == 0:
        raise DatasetError('no frames', file=path)
    if image_points is not None and image_points.shape != (len(names), 17, 3):
        raise DatasetError(f'part must be ({len(names)}, 17, 3), got {image_points.shape}',
                           file=path)
    return names, points, image_points


def load_points(path: PathLike, detections: Optional[PathLike] = None
                ) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Image names (N,), ``S`` (N, 17, 4) and key points (N, 17, 3) of a file: a detector's, or
    without them the projected labels ``part``.

    Raises:
        DatasetError: A file is unreadable or does not fit, or there are no key points.
    """
    names, labels, points = load_arrays(path)
    if detections is not None:
        points = read_detections(detections, len(names))
    if points is None:
        raise DatasetError("no array 'part': give a file of detections", file=path)
    return names, labels, points


def view_sequence(points: np.ndarray, scores: np.ndarray, poses: np.ndarray, camera: Any,
                  **facts: Any) -> ViewSequence:
    """What a camera saw.

    Args:
        points: (T, 17, 3), x and y in px; those of score 0 become 0.
        scores: (T, 17).
        poses: ``S`` of these frames, (T, 17, 4) in metres.
        camera: With focal length ``f``, principal point ``c`` and ``size``.
        facts: The other fields of a ViewSequence.
    """
    scores = scores.astype(np.float32)
    return ViewSequence(
        np.where(scores[..., None] > 0, points[..., :2], 0).astype(np.float32), scores,
        image_size=camera.size, intrinsics=(*camera.f, *camera.c),
        positions=(poses[..., :3] * 1000).astype(np.float32), **facts)


def read_detections(path: PathLike, count: int) -> np.ndarray:
    """Key points of a detector, mmpose's ``keypoint_2d_det_file``: (N, 17, 3), x, y in px, score.

    Raises:
        DatasetError: The file is missing or broken, or has not an entry for each of the frames.
    """
    points = read_npy(path)
    if points.shape != (count, 17, 3):
        raise DatasetError(f'detections must be ({count}, 17, 3), one a frame of the .npz, got '
                           f'{points.shape}', file=path)
    return points


def group_frames(names: np.ndarray, parse: Callable[[str, PathLike], Tuple[Key, int]],
                 describe: Callable[[Key], str], path: PathLike
                 ) -> Dict[Key, Tuple[np.ndarray, np.ndarray]]:
    """Recording -> (rows of the file in the order of time, their frame numbers), sorted.

    Args:
        names: (N,) image names.
        parse: Gives the recording, a key that can be sorted, and the frame number of a name.
        describe: Gives the name of a recording, for messages.
        path: The file, for messages.

    Raises:
        DatasetError: `parse` does not know a name, or a frame comes twice.
    """
    found: Dict[Key, List[Tuple[int, int]]] = {}
    for row, name in enumerate(names):
        key, frame = parse(str(name), path)
        found.setdefault(key, []).append((frame, row))
    groups = {}
    for key, pairs in sorted(found.items()):
        frames, rows = np.array(sorted(pairs)).T
        if (np.diff(frames) == 0).any():
            raise DatasetError('a frame comes twice', file=path, sequence=describe(key),
                               frame=int(frames[np.flatnonzero(np.diff(frames) == 0)[0]]))
        groups[key] = rows, frames
    return groups


def cut_at_gaps(frames: np.ndarray, kind: Optional[np.ndarray] = None
                ) -> Tuple[List[np.ndarray], int]:
    """Where to cut a recording so that the frames of a part are evenly spaced and of one kind.

    Args:
        frames: (T,) rising frame numbers.
        kind: (T,) what each frame shows, if it matters.

    Returns:
        The places (0 to T - 1) of each part, and the usual step between frame numbers.
    """
    places = np.arange(len(frames))
    if len(frames) == 1:
        return [places], 1
    steps = np.diff(frames)
    values, counts = np.unique(steps, return_counts=True)
    step = int(values[counts.argmax()])
    cuts = steps != step
    if kind is not None:
        cuts = cuts | (kind[1:] != kind[:-1])
    return np.split(places, np.flatnonzero(cuts) + 1), step


def part_name(name: str, parts: Sequence[np.ndarray], frame: int) -> str:
    """Name of a part of a recording: ``NAME``, or ``NAME@FRAME`` by its first frame where there
    are several."""
    return name if len(parts) == 1 else f'{name}@{frame:06d}'


def shared_frames(views: Sequence[View], path: PathLike, name: str) -> np.ndarray:
    """The frame numbers that all cameras of a performance have.

    Raises:
        DatasetError: There are none.
    """
    shared = views[0].frames
    for view in views[1:]:
        shared = np.intersect1d(shared, view.frames, assume_unique=True)
    if not len(shared):
        counts = ', '.join(f'{v.camera}: {len(v.frames)}' for v in views)
        raise DatasetError(f'no frame with all joints that all cameras have ({counts})',
                           file=path, sequence=name)
    return shared


def require_finite_frames(points: np.ndarray, frames: np.ndarray, path: PathLike, name: str
                          ) -> None:
    """Raise a `DatasetError` at the first frame number of points (T, ...) that are not finite."""
    bad = ~np.isfinite(points).reshape(len(points), -1).all(1)
    if bad.any():
        raise DatasetError('a value is not finite', file=path, sequence=name,
                           frame=int(frames[np.flatnonzero(bad)[0]]))
