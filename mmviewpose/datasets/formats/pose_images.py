"""Human3.6M and MPI-INF-3DHP in mmpose's .npz as images of people with boxes and 3D poses.

Beside what `mmpose_npz` says, the files have ``center`` (N, 2), the middle of a person's square box
in px, and ``scale`` (N,), its side over 200 px.
"""
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, TypeVar, Union

import numpy as np

from mmviewpose.errors import DatasetError

from . import h36m, mpi_inf_3dhp
from .clip import PathLike, turned_up
from .mmpose_npz import load_arrays, opened, require_finite_frames

# The cameras of Human3.6M in the order in which they are numbered, from 1.
H36M_SERIALS = ('54138969', '55011271', '58860488', '60457274')
_PIXELS_PER_SCALE = 200.

Key = TypeVar('Key')


class PoseImages(NamedTuple):
    """N images of people, R recordings of one camera one after the other.

    Attributes:
        files: (N,) names of the images, below the folder of all.
        centres: (N, 2) px, middles of the boxes.
        sides: (N,) px, their sides.
        poses: (N, K, 3) float32, mm, where the person stands in the world, y up.
        frames: (N,) numbers of the frames in the recordings.
        recording: (N,) numbers of the recordings.
        names: (R,) names of the recordings.
        sizes: (R, 2) width and height in px of the cameras' images.
        clips: (R,) names of the performances: the recordings of all cameras have it.
        subjects: (R,) numbers of the people.
        views: (R,) numbers of the cameras.
        labels: further labels, (R,) whole numbers or words.
        layout: key point layout.
    """
    files: np.ndarray
    centres: np.ndarray
    sides: np.ndarray
    poses: np.ndarray
    frames: np.ndarray
    recording: np.ndarray
    names: np.ndarray
    sizes: np.ndarray
    clips: np.ndarray
    subjects: np.ndarray
    views: np.ndarray
    labels: Dict[str, np.ndarray]
    layout: str


class _Recording(NamedTuple):
    """One camera's of a performance; `to_world` takes points (T, K, 3) to the world, y up."""
    name: str
    clip: str
    subject: int
    view: int
    labels: Dict[str, Union[int, str]]
    size: Tuple[int, int]
    to_world: Callable[[np.ndarray], np.ndarray]


class _Wanted(NamedTuple):
    subjects: Optional[Sequence[int]]
    views: Optional[Sequence[int]]
    every: int


def read_h36m(path: PathLike, cameras: PathLike, subjects: Optional[Sequence[int]] = None,
              views: Optional[Sequence[int]] = None, every: int = 1) -> PoseImages:
    """Images of Human3.6M, sorted by subject, action, camera and frame.

    Labels are ``action`` and ``subaction``, see `h36m.action_labels`; views are 1 to 4, in the
    order of `H36M_SERIALS`.

    Args:
        path: ``h36m_train.npz`` and the like.
        cameras: mmpose's ``cameras.pkl``, which brings poses into the world's axes.
        subjects, views: Which to take; all by default.
        every: Take every how many-th frame of the video, by its number: 1, 1 + every ...

    Raises:
        DatasetError: A file is unreadable or does not fit, wrong names, a frame twice, no such
            subject, view or camera, a joint or a box that is not finite, or nothing is left.
    """
    names, points, _ = load_arrays(path)
    known = h36m.read_cameras(cameras)

    def recording(key: h36m.Key) -> _Recording:
        camera = h36m.camera_of(known, key, path, cameras)
        return _Recording(
            h36m.sequence_name(key), f'S{key[0]}_{key[1]}', *view_of(key),
            h36m.action_labels(key[1]), camera.size,
            lambda positions: turned_up(h36m.to_world(positions, camera), '+z'))

    def view_of(key: h36m.Key) -> Tuple[int, int]:
        if key[2] not in H36M_SERIALS:
            raise DatasetError(f'camera {key[2]} is none of {", ".join(H36M_SERIALS)}', file=path,
                               sequence=h36m.sequence_name(key))
        return key[0], 1 + H36M_SERIALS.index(key[2])

    return _read(path, names, points, h36m.group_frames(names, path), view_of, recording,
                 _Wanted(subjects, views, every), h36m.LAYOUT, visible=True)


def read_mpi_inf_3dhp(path: PathLike, cameras: PathLike,
                      subjects: Optional[Sequence[int]] = None,
                      views: Optional[Sequence[int]] = None, every: int = 1) -> PoseImages:
    """Images of MPI-INF-3DHP's training recordings, sorted by subject, sequence, camera and frame.

    The label is ``sequence``; views are the data set's numbers of the cameras. Its test recordings
    cannot be had: the poses of their cameras were not published.

    Args:
        path: ``mpi_inf_3dhp_train.npz``.
        cameras: mmpose's ``cameras_train.pkl``.
        subjects, views, every: As for :func:`read_h36m`.

    Raises:
        DatasetError: As :func:`read_h36m`; or a test recording is wanted.
    """
    names, points, _ = load_arrays(path)
    known = mpi_inf_3dhp.read_cameras(cameras)

    def recording(key: mpi_inf_3dhp.Recording) -> _Recording:
        if key.split == 'test':
            raise DatasetError('a test recording, whose camera was published without its pose: '
                               'which way is up is not known', file=path, sequence=key.name)
        camera = mpi_inf_3dhp.camera_of(known, key, path, cameras)
        return _Recording(key.name, key.performance, *view_of(key), dict(sequence=key.sequence),
                          camera.size, lambda positions: mpi_inf_3dhp.to_world(positions, camera))

    def view_of(key: mpi_inf_3dhp.Recording) -> Tuple[int, int]:
        return key.person, key.camera

    # visibility is whether a joint lies in the picture: the 3D is as good outside
    return _read(path, names, points, mpi_inf_3dhp.group_frames(names, path), view_of, recording,
                 _Wanted(subjects, views, every), mpi_inf_3dhp.LAYOUT, visible=False)


def _read(path: PathLike, names: np.ndarray, points: np.ndarray,
          groups: Dict[Key, Tuple[np.ndarray, np.ndarray]],
          view_of: Callable[[Key], Tuple[int, int]], recording: Callable[[Key], _Recording],
          wanted: _Wanted, layout: str, visible: bool) -> PoseImages:
    """Groups are those of `mmpose_npz.group_frames`, `view_of` gives subject and view; `visible`:
    a joint that is not visible was not measured."""
    if wanted.every < 1:
        raise ValueError(f'every must be positive, got {wanted.every}')
    boxes = _load_boxes(path, len(names))
    recordings: List[_Recording] = []
    parts: List[Tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for key in _chosen(path, {key: view_of(key) for key in groups}, wanted):
        rows, frames = groups[key]
        kept = (frames - 1) % wanted.every == 0
        rows, frames = rows[kept], frames[kept]
        if not len(rows):
            continue
        found = recording(key)
        positions = points[rows, :, :3]
        if visible:
            positions = np.where(points[rows, :, 3:] > 0, positions, np.nan)
        for values in (positions, boxes[rows]):
            require_finite_frames(values, frames, path, found.name)
        for place in np.flatnonzero(~_inside(boxes[rows], found.size)):
            raise DatasetError(f'the box, {boxes[rows[place]].round(1)} (middle and side, px), '
                               'shows nothing of the picture', file=path, sequence=found.name,
                               frame=int(frames[place]))
        recordings.append(found)
        parts.append((rows, frames, (1000 * found.to_world(positions)).astype(np.float32)))
    if not parts:
        raise DatasetError(f'no frame is left of {wanted._asdict()}', file=path)
    rows, frames, poses = (np.concatenate(column) for column in zip(*parts))
    facts = {key: np.array([getattr(found, key) for found in recordings])
             for key in ('name', 'size', 'clip', 'subject', 'view')}
    return PoseImages(
        names[rows], boxes[rows, :2], boxes[rows, 2], poses, frames,
        np.repeat(np.arange(len(parts)), [len(part[0]) for part in parts]),
        facts['name'], facts['size'], facts['clip'], facts['subject'], facts['view'],
        {key: np.array([found.labels[key] for found in recordings])
         for key in recordings[0].labels}, layout)


def _chosen(path: PathLike, views: Dict[Key, Tuple[int, int]], wanted: _Wanted) -> List[Key]:
    """The wanted recordings; `views` gives subject and view of all."""
    keys = list(views)
    for word, place, values in (('subject', 0, wanted.subjects), ('view', 1, wanted.views)):
        there = {views[key][place] for key in views}
        for value in values or ():
            if value not in there:
                raise DatasetError(f'no {word} {value}; there are {sorted(there)}', file=path)
        if values is not None:
            keys = [key for key in keys if views[key][place] in values]
    return keys


def _inside(boxes: np.ndarray, size: Tuple[int, int]) -> np.ndarray:
    """Which of the boxes (T, 3) show something of a picture of this width and height, (T,)."""
    middle, half = boxes[:, :2], boxes[:, 2:] / 2
    return ((half > 0) & (middle + half > 0) & (middle - half < size)).all(1)


def _load_boxes(path: PathLike, count: int) -> np.ndarray:
    """Middle and side of the boxes, (N, 3) px."""
    with opened(path) as data:
        centres = np.asarray(data['center'], dtype=np.float64)
        scales = np.asarray(data['scale'], dtype=np.float64)
    if centres.shape != (count, 2) or scales.shape != (count,):
        raise DatasetError(f'center must be ({count}, 2) and scale ({count},), got '
                           f'{centres.shape} and {scales.shape}', file=path)
    return np.column_stack([centres, _PIXELS_PER_SCALE * scales])
