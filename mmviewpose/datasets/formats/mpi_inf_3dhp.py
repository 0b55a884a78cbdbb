"""MPI-INF-3DHP 3D in mmpose's .npz (`mmpose_npz`), of its ``preprocess_mpi_inf_3dhp.py``.

Names say what was recorded: ``S4_Seq2_Cam0_001033.jpg`` trains, ``TS1_002001.jpg`` tests. With
mmpose's ``cameras_train.pkl`` training clips come in world space (+y up, the floor at 0); without
it, and in the test, whose cameras are published without their pose, they stay in camera space (-y
up, tilted by the camera's tilt).

The visibility of mmpose's files is whether a joint lies inside 2048 x 2048 px: the 3D is as good
outside, so that no frame is masked for it. The test's activities and its frames that do not count
are not in mmpose's files; they can be given in another (`read_activities`).
"""
import json
import os
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Tuple, Union

import numpy as np

from mmviewpose.errors import DatasetError

from . import mmpose_npz
from .clip import PathLike, SkeletonClip, find_files, masked_clip, read_each, read_text
from .mmpose_npz import cut_at_gaps, load_arrays, part_name
from .pickles import read_pickle

LAYOUT = 'mpi_inf_3dhp17'
TEST_CAMERA = 'test'
# As the data set numbers them from 1, in words without the slash that parts names of results.
ACTIVITIES = ('Standing-Walking', 'Exercising', 'Sitting', 'Reaching-Crouching', 'On-the-floor',
              'Sports', 'Miscellaneous')
# Training recordings (subject, sequence) at 50 Hz; the others have 25.
_FAST = {(1, 2), (3, 1), (3, 2), (5, 1), (5, 2)}
_TRAIN_SUBJECTS = 8
# The heights in cameras_train.pkl lack their last digit (204).
_TRAIN_SIZE = 2048, 2048

_RECORDING = r'(?:S(\d+)_Seq(\d+)_Cam(\d+)|TS(\d+))'
_NAME = re.compile(_RECORDING + r'_(\d+)\.\w+')


class Recording(NamedTuple):
    """What one camera saw: of a training subject's sequence, or of a test sequence (its subject's
    number counted from 1, `sequence` 0, `camera` -1)."""
    split: str
    subject: int
    sequence: int
    camera: int

    @property
    def person(self) -> int:
        """1 to 8 in training, 9 to 14 in the test, whose subjects are others."""
        return self.subject + (_TRAIN_SUBJECTS if self.split == 'test' else 0)

    @property
    def performance(self) -> str:
        """``S4_Seq2`` or ``TS1``."""
        return (f'TS{self.subject}' if self.split == 'test' else
                f'S{self.subject}_Seq{self.sequence}')

    @property
    def view(self) -> str:
        """``Cam0``, or ``test``."""
        return TEST_CAMERA if self.split == 'test' else f'Cam{self.camera}'

    @property
    def name(self) -> str:
        """``S4_Seq2_Cam0`` or ``TS1``, as mmpose's files of cameras have it."""
        return (self.performance if self.split == 'test' else
                f'{self.performance}_{self.view}')

    @property
    def fps(self) -> float:
        """Of the video; 25 is an assumption for the test."""
        return 50. if self.split == 'train' and self[1:3] in _FAST else 25.


@dataclass
class Camera:
    """A camera: f and c (2,) in pixels, image size (width, height); in training R (3, 3) and T (3,)
    in metres from world to camera, x_camera = R x_world + T."""
    f: np.ndarray
    c: np.ndarray
    size: Tuple[int, int]
    R: Optional[np.ndarray] = None
    T: Optional[np.ndarray] = None


class FrameFacts(NamedTuple):
    """Of all the frames of a test sequence: number of the activity, and whether it counts."""
    activity: np.ndarray
    valid: np.ndarray


def read_cameras(path: PathLike) -> Dict[Recording, Camera]:
    """Cameras of mmpose's ``cameras_train.pkl`` or ``cameras_test.pkl``, by recording.

    Raises:
        DatasetError: Unreadable, or a camera is incomplete, not finite or not named as a recording
            (``S4_Seq2_Cam0``, ``TS1``).
    """
    data = read_pickle(path)
    if not isinstance(data, dict) or not data:
        raise DatasetError('not a dict of cameras', file=path)
    cameras = {}
    for name, entry in data.items():
        match = re.fullmatch(_RECORDING, str(name))
        if match is None:
            raise DatasetError(f'camera {name} is called neither S4_Seq2_Cam0 nor TS1', file=path)
        cameras[_recording(match)] = _camera(str(name), entry, match.group(1) is not None, path)
    return cameras


def _camera(name: str, entry: Dict, posed: bool, path: PathLike) -> Camera:
    try:
        shapes = dict(f=2, c=2, **(dict(R=(3, 3), T=3) if posed else {}))
        values = {key: np.asarray(entry[key], dtype=np.float64).reshape(shape)
                  for key, shape in shapes.items()}
        size = _TRAIN_SIZE if posed else (int(entry['w']), int(entry['h']))
    except (KeyError, ValueError, TypeError) as e:
        raise DatasetError(f'camera {name} is incomplete ({e})', file=path) from e
    if not all(np.isfinite(value).all() for value in values.values()):
        raise DatasetError(f'camera {name} has a value that is not finite', file=path)
    return Camera(size=size, **values)


def camera_of(cameras: Dict[Recording, Camera], recording: Recording, file: PathLike,
              cameras_file: PathLike) -> Camera:
    """The camera of a recording.

    Raises:
        DatasetError: There is none of its name.
    """
    if recording not in cameras:
        raise DatasetError(f'no camera {recording.name} in {cameras_file}', file=file,
                           sequence=recording.name)
    return cameras[recording]


def parse_name(name: str, path: Optional[PathLike] = None) -> Tuple[Recording, int]:
    """(Recording, frame number) of an image name.

    Raises:
        DatasetError: It is neither ``S4_Seq2_Cam0_FRAME.jpg`` nor ``TS1_FRAME.jpg``.
    """
    match = _NAME.fullmatch(os.path.basename(name))
    if match is None:
        raise DatasetError(f'image name {name} is neither S4_Seq2_Cam0_FRAME.jpg nor '
                           'TS1_FRAME.jpg', file=path)
    return _recording(match), int(match.groups()[-1])


def _recording(match: 're.Match') -> Recording:
    *train, test = match.groups()[:4]
    if test is not None:
        return Recording('test', int(test), 0, -1)
    return Recording('train', *map(int, train))


def group_frames(names: np.ndarray, path: PathLike
                 ) -> Dict[Recording, Tuple[np.ndarray, np.ndarray]]:
    """Recording -> (rows of the file in the order of time, their frame numbers).

    Raises:
        DatasetError: A name is not one of MPI-INF-3DHP's, or a frame comes twice.
    """
    return mmpose_npz.group_frames(names, parse_name, lambda recording: recording.name, path)


def read_activities(path: PathLike) -> Dict[str, FrameFacts]:
    """Activities and validity of the test's frames, by sequence (``TS1`` ...).

    The file is an .npz or a .json that you make of the data set's ``annot_data.mat``
    (docs/data_preparation.md): ``TS1_activity``, the number of the activity, 1 to 7, of every
    frame of the sequence, and where some frames do not count ``TS1_valid``, 0 or 1 of every frame.

    Raises:
        DatasetError: Unreadable, no such arrays, of different lengths, not whole numbers, or a
            valid frame with another number than 1 to 7.
    """
    arrays = _load_plain(path)
    facts = {}
    for key, activity in arrays.items():
        if not key.endswith('_activity'):
            continue
        name = key[:-len('_activity')]
        valid = arrays.get(f'{name}_valid', np.ones(len(activity), np.int64))
        if len(valid) != len(activity):
            raise DatasetError(f'{len(activity)} activities but {len(valid)} flags', file=path,
                               sequence=name)
        valid = valid != 0
        bad = valid & ((activity < 1) | (activity > len(ACTIVITIES)))
        if bad.any():
            frame = int(np.flatnonzero(bad)[0])
            raise DatasetError(f'activity {activity[frame]}; there are 1 to {len(ACTIVITIES)}',
                               file=path, sequence=name, frame=frame + 1)
        facts[name] = FrameFacts(activity, valid)
    if not facts:
        raise DatasetError("no array 'TS1_activity' or the like", file=path)
    return facts


def _load_plain(path: PathLike) -> Dict[str, np.ndarray]:
    """The arrays (T,) of whole numbers of an .npz or a .json."""
    try:
        if Path(path).suffix == '.json':
            found = dict(json.loads(read_text(path)))
        else:
            with np.load(path, allow_pickle=False) as data:
                found = {key: data[key] for key in data.files}
        arrays = {key: np.asarray(value, dtype=np.float64).ravel()
                  for key, value in found.items()}
    except DatasetError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError, TypeError) as e:
        raise DatasetError(f'not a readable .npz or .json of numbers, or a truncated one ({e})',
                           file=path) from e
    for key, value in arrays.items():
        if not len(value) or not (value == np.round(value)).all():
            raise DatasetError(f'{key} must hold a whole number for every frame', file=path)
    return {key: value.astype(np.int64) for key, value in arrays.items()}


class Part(NamedTuple):
    """Evenly spaced frames of a recording that show one activity.

    Attributes:
        name: ``NAME``, or ``NAME@FRAME`` where a recording has several parts.
        places: Which of the recording's frames, (T,).
        valid: Which of these count, (T,).
        fps: Frames per second.
        labels: ``split``, ``subject`` (the recording's ``person``), ``sequence`` (``S4_Seq2``,
            ``TS1``) and, where it is known, ``activity``.
    """
    name: str
    places: np.ndarray
    valid: np.ndarray
    fps: float
    labels: Dict[str, Union[int, str]]


def cut(recording: Recording, name: str, frames: np.ndarray,
        activities: Optional[Dict[str, FrameFacts]], path: PathLike) -> List[Part]:
    """Cut a recording at gaps in time and where the activity changes.

    Args:
        recording: The recording.
        name: What to call it.
        frames: (T,) rising frame numbers, from 1.
        activities: Of the test's sequences, of :func:`read_activities`.
        path: The file, for messages.

    Returns:
        The parts in which a frame counts.

    Raises:
        DatasetError: There are activities, but not of this sequence or of a frame of it.
    """
    labels = dict(split=recording.split, subject=recording.person,
                  sequence=recording.performance)
    facts = _facts(recording, frames, activities, path)
    parts, step = cut_at_gaps(frames, None if facts is None else facts.activity)
    found = []
    for places in parts:
        valid, more = np.ones(len(places), bool), {}
        if facts is not None:
            valid = facts.valid[places]
            if not valid.any():
                continue
            more = dict(activity=ACTIVITIES[facts.activity[places[0]] - 1])
        found.append(Part(part_name(name, parts, frames[places[0]]), places, valid,
                          recording.fps / step, dict(labels, **more)))
    return found


def _facts(recording: Recording, frames: np.ndarray,
           activities: Optional[Dict[str, FrameFacts]], path: PathLike) -> Optional[FrameFacts]:
    """Of the frames (T,) of a recording; None where nothing is known."""
    if activities is None or recording.split != 'test':
        return None
    if recording.name not in activities:
        raise DatasetError(f'no activities of it; there are those of {", ".join(activities)}',
                           file=path, sequence=recording.name)
    known = activities[recording.name]
    outside = (frames < 1) | (frames > len(known.activity))
    if outside.any():
        raise DatasetError(f'no activity of it; there are those of {len(known.activity)} frames',
                           file=path, sequence=recording.name, frame=int(frames[outside][0]))
    return FrameFacts(known.activity[frames - 1], known.valid[frames - 1])


def read_file(path: PathLike, cameras: Optional[PathLike] = None,
              activities: Optional[PathLike] = None) -> List[SkeletonClip]:
    """The clips of a file, test before training, sorted by subject, sequence and camera.

    At gaps in time and where the activity changes a new clip begins, called
    ``S4_Seq2_Cam0@001033`` by its first frame. Labels are those of :class:`Part` and ``camera`` (a
    number, -1 in the test). Frames that are not finite or do not count are masked; a clip of which
    no frame counts is left out.

    Args:
        path: ``mpi_inf_3dhp_train.npz``, ``mpi_inf_3dhp_test_valid.npz`` and the like.
        cameras: ``cameras_train.pkl``.
        activities: See :func:`read_activities`.

    Raises:
        DatasetError: A file is unreadable or does not fit, wrong shapes or names, a frame twice,
            no camera of that name, or no finite frame in a clip.
    """
    names, points, _ = load_arrays(path)
    known = read_cameras(cameras) if cameras is not None else None
    facts = read_activities(activities) if activities is not None else None
    clips = []
    for recording, (rows, frames) in group_frames(names, path).items():
        positions, up = points[rows, :, :3], '-y'
        if recording.split == 'train' and known is not None:
            positions = to_world(positions, camera_of(known, recording, path, cameras))
            up = '+y'
        for part in cut(recording, recording.name, frames, facts, path):
            counted = np.where(part.valid[:, None, None], positions[part.places], np.nan)
            clips.append(masked_clip(
                counted * 1000, file=path, name=part.name, layout=LAYOUT, up=up, fps=part.fps,
                labels=dict(part.labels, camera=recording.camera), zero_joint_invalid=False))
    return clips


def to_world(points: np.ndarray, camera: Camera) -> np.ndarray:
    """x_world = R^T (x_camera - T), metres; +y is up."""
    return (points - camera.T) @ camera.R


def read_folder(root: PathLike, cameras: Optional[PathLike] = None,
                activities: Optional[PathLike] = None, progress: bool = False
                ) -> List[SkeletonClip]:
    """The clips of all .npz files below a folder (or of one file); see `read_file`."""
    return read_each(find_files(root, '*.npz'),
                     lambda path: read_file(path, cameras, activities), progress, 'MPI-INF-3DHP')
