"""Human3.6M in mmpose's .npz as performances that several cameras saw.

Frames of one subject and action (with its number: ``Directions`` and ``Directions_1`` are two
performances) are a clip, those of one camera a view; where frames are missing, a new clip begins.
The arrays are those of `h36m`.
"""
import itertools
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np

from mmviewpose.errors import DatasetError

from .clip import PathLike
from .h36m import (LAYOUT, VIDEO_FPS, H36mCamera, Key, group_frames, load_arrays, read_cameras,
                   sequence_name)
from .npz import read_npy
from .views import ViewSequence


class _View(NamedTuple):
    """Usable rows of the file and their frame numbers, in the order of time."""
    camera: str
    rows: np.ndarray
    frames: np.ndarray


def read_views(path: PathLike, cameras: PathLike, detections: Optional[PathLike] = None
               ) -> Iterator[ViewSequence]:
    """The views of a file, sorted by subject, action and camera.

    Where the cameras of a performance differ in frames, those are kept that all cameras have. A
    frame counts only where all joints of ``S`` are visible and finite. Frames of a clip are evenly
    spaced: at a gap the performance is cut, and the parts are called ``S1_Directions_1@FRAME`` by
    their first frame. The name of a view is the camera's serial number; labels are ``subject`` (a
    number), ``action`` (without its number) and ``subaction`` (0 where the name has none).

    Args:
        path: ``h36m_train.npz`` and the like.
        cameras: mmpose's ``cameras.pkl``, for intrinsics and image sizes.
        detections: Key points of a detector, mmpose's ``keypoint_2d_det_file``: ``.npy``
            (N, 17, 3) with x, y in px and a score; scores above 1 count as 1. Without it, the
            projected labels ``part`` with score 1.

    Yields:
        Sequences in layout h36m17; 3D in mm in the camera's axes.

    Raises:
        DatasetError: A file is unreadable or does not fit, a value is not finite, a camera is
            unknown, or the cameras of a performance have no frame in common.
    """
    names, labels, projected = load_arrays(path)
    known = read_cameras(cameras)
    points = _detections(detections, len(names)) if detections is not None else projected
    if points is None:
        raise DatasetError("no array 'part': give a file of detections", file=path)
    usable = (labels[..., 3] > 0).all(1) & np.isfinite(labels).all((1, 2))
    for (subject, action), views in _clips(group_frames(names, path), usable).items():
        name = f'S{subject}_{action}'
        parts, step = _without_gaps(_shared_frames(views, path, name))
        for frames, view in itertools.product(parts, views):
            key = subject, action, view.camera
            camera = known.get((f'S{subject}', view.camera))
            if camera is None:
                raise DatasetError(f'no camera S{subject} {view.camera} in {cameras}', file=path,
                                   sequence=sequence_name(key))
            rows = view.rows[np.isin(view.frames, frames)]
            _check_points(points[rows], frames, detections or path, sequence_name(key))
            clip = name if len(parts) == 1 else f'{name}@{frames[0]:06d}'
            yield _sequence(clip, key, labels[rows], points[rows], camera, VIDEO_FPS / step)


def _detections(path: PathLike, count: int) -> np.ndarray:
    points = read_npy(path)
    if points.shape != (count, 17, 3):
        raise DatasetError(f'detections must be ({count}, 17, 3), one a frame of the .npz, got '
                           f'{points.shape}', file=path)
    return points


def _clips(groups: Dict[Key, Tuple[np.ndarray, np.ndarray]], usable: np.ndarray
           ) -> Dict[Tuple[int, str], List[_View]]:
    clips: Dict[Tuple[int, str], List[_View]] = {}
    for (subject, action, camera), (rows, frames) in groups.items():
        kept = usable[rows]
        clips.setdefault((subject, action), []).append(_View(camera, rows[kept], frames[kept]))
    return clips


def _shared_frames(views: List[_View], path: PathLike, name: str) -> np.ndarray:
    shared = views[0].frames
    for view in views[1:]:
        shared = np.intersect1d(shared, view.frames, assume_unique=True)
    if not len(shared):
        counts = ', '.join(f'{v.camera}: {len(v.frames)}' for v in views)
        raise DatasetError(f'no frame with all joints that all cameras have ({counts})',
                           file=path, sequence=name)
    return shared


def _without_gaps(frames: np.ndarray) -> Tuple[List[np.ndarray], int]:
    """Rising frame numbers cut wherever their step is not the usual one; and that step."""
    if len(frames) == 1:
        return [frames], 1
    steps = np.diff(frames)
    values, counts = np.unique(steps, return_counts=True)
    step = int(values[counts.argmax()])
    return np.split(frames, np.flatnonzero(steps != step) + 1), step


def _check_points(points: np.ndarray, frames: np.ndarray, path: PathLike, name: str) -> None:
    bad = ~np.isfinite(points).all((1, 2))
    if bad.any():
        raise DatasetError('a value is not finite', file=path, sequence=name,
                           frame=int(frames[np.flatnonzero(bad)[0]]))


def _sequence(clip: str, key: Key, labels: np.ndarray, points: np.ndarray, camera: H36mCamera,
              fps: float) -> ViewSequence:
    subject, action, serial = key
    word, _, number = action.partition('_')
    scores = points[..., 2].clip(0, 1).astype(np.float32)
    return ViewSequence(
        np.where(scores[..., None] > 0, points[..., :2], 0).astype(np.float32), scores,
        clip=clip, view=serial, fps=fps, image_size=camera.size, layout=LAYOUT,
        intrinsics=(*camera.f, *camera.c), positions=(labels[..., :3] * 1000).astype(np.float32),
        labels=dict(subject=subject, action=word, subaction=int(number) if number.isdigit() else 0))
