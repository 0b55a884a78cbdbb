"""SportsPose: five sports, seven fixed cameras at 90 Hz, COCO's 17 joints in 3D.

As published (project page, code ChristianIngwersen/SportsPose)::

    data/indoors/S04/calib.pkl                       or outdoors, also without the s; calibration
    data/indoors/S04/tennis/tennis0021.npy           (F, 17, 3) metres in the world, COCO order
    data/indoors/S04/tennis/tennis0021_timing.pkl    video_index and times_ms (7, F), video_path
    videos/...                                       not read here

``calib.pkl`` holds ``calibration``, seven dicts with ``R`` (3, 3) and ``T`` (3) from the world to
the camera, ``f``, ``c`` (2) px and OpenCV's distortion ``k`` (up to 8), and
``numtimesrot90clockwise`` (7): the videos are stored lying on their side, and how often they must
be turned is said there. Everything that comes from here is of the upright image.

Known from that code are the tree, the arrays, the frame rate and which camera is which view in
which session. Assumed: the videos' size, 1936 x 1216 as stored (`IMAGE_SIZE`; not in any file but
the videos), that the 3D is finite in every frame, and the layout of detections below, for none
are published.

Protocol of papers/two_views.txt: validation on subjects 4, 7, 9, 14, 22, test on 6, 12, 19, both on
the view ``right``; the others train. The label ``split`` says so.
"""
import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from mmviewpose.errors import DatasetError

from .clip import PathLike, require_finite
from .npz import read_npy
from .pickles import read_pickle
from .view_layout import view_to_layout
from .views import ViewSequence

LAYOUT = 'coco17'
FPS = 90.
IMAGE_SIZE = (1936, 1216)
NUM_CAMERAS = 7
VAL_SUBJECTS = (4, 7, 9, 14, 22)
TEST_SUBJECTS = (6, 12, 19)

VIEWS = ('front-right', 'right', 'back-right', 'back', 'back-left', 'left', 'front-left')
# Which camera is which of VIEWS: it changed from subject 15 on, and outdoors.
_CAMERAS = dict(early=(6, 3, 2, 1, 0, 5, 4), late=(6, 2, 1, 5, 0, 4, 3),
                outdoors=(0, 3, 1, 2, 6, 5, 4))
_FIRST_LATE = 15

_SESSION = re.compile(r'(in|out)doors?$')
_SUBJECT = re.compile(r'S(\d\d)$')
_TAKE = re.compile(r'([a-z_]+)(\d{4})$')


class _Camera(NamedTuple):
    """World to camera ``R x + T``, in metres; distortion in OpenCV's order; quarter turns."""
    R: np.ndarray
    T: np.ndarray
    f: np.ndarray
    c: np.ndarray
    k: np.ndarray
    turns: int


def split_of(subject: int) -> str:
    """``'train'``, ``'val'`` or ``'test'``."""
    if subject in VAL_SUBJECTS:
        return 'val'
    return 'test' if subject in TEST_SUBJECTS else 'train'


def read_views(root: PathLike, detections: Optional[PathLike] = None,
               views: Sequence[str] = VIEWS, layout: str = 'h36m17',
               image_size: Tuple[int, int] = IMAGE_SIZE) -> Iterator[ViewSequence]:
    """The views of all takes, sorted by session, subject and take.

    Labels are ``subject`` (a number), ``action``, ``session`` (indoors, outdoors) and ``split``.

    Args:
        root: The folder that holds ``data``, or ``data`` itself.
        detections: Folder with key points of a detector on the upright videos:
            ``indoors/S04/tennis/tennis0021_CAM3.npy``, folders named as those of the data,
            (F, 17, 3) with x, y in px and a score, a row for each of the take's 3D poses; scores
            above 1 count as 1. Without it, the 3D seen by the cameras, with score 1.
        views: Which of `VIEWS`.
        layout: Key point layout to map COCO's to.
        image_size: Width and height of the videos as stored, px.

    Yields:
        Sequences with 3D in mm in the axes of the upright camera.

    Raises:
        DatasetError: No take, a file missing or broken, a value not finite.
        ValueError: Unknown view, or a layout that COCO's joints do not give.
    """
    unknown = sorted(set(views) - set(VIEWS))
    if unknown:
        raise ValueError(f'unknown views {unknown}; there are {", ".join(VIEWS)}')
    for session, subject, folder in _sessions(Path(root)):
        cameras = _read_cameras(folder / 'calib.pkl')
        numbers = _cameras_of(session, subject)
        for path in _takes(folder):
            points = _read_points(path)
            for view in views:
                number = numbers[VIEWS.index(view)]
                found = None
                if detections is not None:
                    found = _read_detections(
                        Path(detections, folder.parent.name, folder.name, path.parent.name,
                             f'{path.stem}_CAM{number}.npy'), len(points))
                yield view_to_layout(_sequence(
                    path, view, points, cameras[number], found, image_size,
                    dict(subject=subject, action=path.parent.name, session=session,
                         split=split_of(subject))), layout)


def _sessions(root: Path) -> List[Tuple[str, int, Path]]:
    """(Session, subject, folder) of all subjects."""
    data = root / 'data' if (root / 'data').is_dir() else root
    found = []
    for session in sorted(data.iterdir()) if data.is_dir() else []:
        kind = _SESSION.match(session.name)
        for folder in sorted(session.iterdir()) if kind and session.is_dir() else []:
            subject = _SUBJECT.match(folder.name)
            if subject and folder.is_dir():
                found.append((f'{kind.group(1)}doors', int(subject.group(1)), folder))
    if not found:
        raise DatasetError('no folder indoors/S00 or outdoors/S00: not SportsPose', file=root)
    return found


def _cameras_of(session: str, subject: int) -> Sequence[int]:
    if session == 'outdoors':
        return _CAMERAS['outdoors']
    return _CAMERAS['late' if subject >= _FIRST_LATE else 'early']


def _takes(folder: Path) -> List[Path]:
    takes = [path for path in sorted(folder.glob('*/*.npy')) if _TAKE.match(path.stem)]
    if not takes:
        raise DatasetError('no take such as tennis/tennis0021.npy', file=folder)
    return takes


def _load(path: Path, shape: Tuple[Optional[int], int, int]) -> np.ndarray:
    array = read_npy(path)
    wanted = (len(array) if shape[0] is None and np.ndim(array) else shape[0], *shape[1:])
    if np.shape(array) != wanted or not len(array):
        raise DatasetError(f'must be ({"F" if shape[0] is None else shape[0]}, {shape[1]}, '
                           f'{shape[2]}), got {np.shape(array)}', file=path)
    require_finite(array, path, path.stem)
    return array


def _read_points(path: Path) -> np.ndarray:
    """(F, 17, 3) metres, as many as the take's timing has."""
    points = _load(path, (None, 17, 3))
    timing = path.with_name(f'{path.stem}_timing.pkl')
    if timing.is_file():
        content = read_pickle(timing)
        index = np.asarray(content.get('video_index') if isinstance(content, dict) else None)
        if index.shape != (NUM_CAMERAS, len(points)):
            raise DatasetError(f'video_index must be ({NUM_CAMERAS}, {len(points)}), one column a '
                               f'3D pose, got {index.shape}', file=timing, sequence=path.stem)
    return points


def _read_detections(path: Path, count: int) -> np.ndarray:
    return _load(path, (count, 17, 3))


def _read_cameras(path: Path) -> List[_Camera]:
    data = read_pickle(path)
    try:
        turns, entries = data['numtimesrot90clockwise'], data['calibration']
        cameras = [_camera(entry, int(turn) % 4) for entry, turn in zip(entries, turns)]
    except (KeyError, TypeError, ValueError, IndexError) as e:
        raise DatasetError(f'the calibration is incomplete ({e!r})', file=path) from e
    if len(cameras) != NUM_CAMERAS:
        raise DatasetError(f'{NUM_CAMERAS} cameras expected, got {len(cameras)}', file=path)
    for number, camera in enumerate(cameras):
        if not all(np.isfinite(value).all() for value in camera):
            raise DatasetError(f'camera {number} has a value that is not finite', file=path)
    return cameras


def _camera(entry: Dict[str, Any], turns: int) -> _Camera:
    distortion = np.zeros(8)
    given = np.ravel(np.asarray(entry.get('k', ()), dtype=np.float64))[:8]
    distortion[:len(given)] = given
    values = {key: np.asarray(entry[key], dtype=np.float64).reshape(shape)
              for key, shape in dict(R=(3, 3), T=3, f=2, c=2).items()}
    return _Camera(**values, k=distortion, turns=turns)


def _sequence(path: Path, view: str, points: np.ndarray, camera: _Camera,
              detections: Optional[np.ndarray], image_size: Tuple[int, int],
              labels: Dict[str, object]) -> ViewSequence:
    name = f'{labels["session"]}_S{labels["subject"]:02d}_{path.stem}'
    positions = points @ camera.R.T + camera.T
    if detections is not None:
        keypoints, scores = detections[..., :2], detections[..., 2].clip(0, 1)
        keypoints = np.where(scores[..., None] > 0, keypoints, 0)
    else:
        behind = (positions[..., 2] <= 0).any(1)
        if behind.any():
            raise DatasetError(f'a joint is behind the camera of view {view}', file=path,
                               sequence=name, frame=int(np.flatnonzero(behind)[0]))
        keypoints, scores = _projected(positions, camera), np.ones(positions.shape[:2])
    width, height = image_size
    intrinsics = np.concatenate([camera.f, camera.c])
    for _ in range(camera.turns):
        if detections is None:
            keypoints = np.stack([height - keypoints[..., 1], keypoints[..., 0]], -1)
        positions = np.stack([-positions[..., 1], positions[..., 0], positions[..., 2]], -1)
        fx, fy, cx, cy = intrinsics
        intrinsics = np.array([fy, fx, height - cy, cx])
        width, height = height, width
    return ViewSequence(
        keypoints.astype(np.float32), scores.astype(np.float32), clip=name, view=view, fps=FPS,
        image_size=(width, height), layout=LAYOUT, intrinsics=tuple(intrinsics),
        positions=(positions * 1000).astype(np.float32), labels=labels)


def _projected(positions: np.ndarray, camera: _Camera) -> np.ndarray:
    """Image points (F, K, 2) px of points in the camera's axes, with OpenCV's lens model."""
    x, y = np.moveaxis(positions[..., :2] / positions[..., 2:], -1, 0)
    k1, k2, p1, p2, k3, k4, k5, k6 = camera.k
    r2 = x * x + y * y
    radial = ((1 + r2 * (k1 + r2 * (k2 + r2 * k3)))
              / (1 + r2 * (k4 + r2 * (k5 + r2 * k6))))
    seen = np.stack([x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
                     y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y], -1)
    return seen * camera.f + camera.c
