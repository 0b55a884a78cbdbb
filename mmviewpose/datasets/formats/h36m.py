"""Human3.6M 3D in mmpose's .npz (`mmpose_npz`).

Frames are grouped by subject, action and camera, as their names
``S1_Directions_1.54138969_000001.jpg`` say. With mmpose's ``cameras.pkl`` clips come in world
space (+z up); without it they stay in camera space (-y up, tilted by the camera's tilt).
"""
import os
import re
from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple, Union

import numpy as np

from mmviewpose.errors import DatasetError

from . import mmpose_npz
from .clip import PathLike, SkeletonClip, find_files, masked_clip, read_each
from .mmpose_npz import load_arrays, require_finite_frames
from .pickles import read_pickle

LAYOUT = 'h36m17'
VIDEO_FPS = 50.

_NAME = re.compile(r'S(\d+)_(.+)\.(\d+)_(\d+)')
Key = Tuple[int, str, str]


@dataclass
class H36mCamera:
    """A camera: R (3, 3) camera-to-world, centre T (3,) in metres, f and c (2,) in pixels, radial
    k (3,) and tangential p (2,) distortion, image size (width, height)."""
    R: np.ndarray
    T: np.ndarray
    f: np.ndarray
    c: np.ndarray
    k: np.ndarray
    p: np.ndarray
    size: Tuple[int, int]


def read_cameras(path: PathLike) -> Dict[Tuple[str, str], H36mCamera]:
    """Cameras of mmpose's ``cameras.pkl`` by (subject, camera), such as ('S1', '54138969').

    Raises:
        DatasetError: Unreadable, or a camera is incomplete or not finite.
    """
    data = read_pickle(path)
    if not isinstance(data, dict) or not data:
        raise DatasetError('not a dict of cameras', file=path)
    cameras = {}
    for key, entry in data.items():
        try:
            values = {n: np.asarray(entry[n], dtype=np.float64).reshape(shape) for n, shape in
                      dict(R=(3, 3), T=3, f=2, c=2, k=3, p=2).items()}
            camera = H36mCamera(size=(int(entry['w']), int(entry['h'])), **values)
            subject, serial = key
        except (KeyError, ValueError, TypeError) as e:
            raise DatasetError(f'camera {key} is incomplete ({e})', file=path) from e
        if not all(np.isfinite(v).all() for v in values.values()):
            raise DatasetError(f'camera {key} has a value that is not finite', file=path)
        cameras[str(subject), str(serial)] = camera
    return cameras


def camera_of(cameras: Dict[Tuple[str, str], H36mCamera], key: Key, file: PathLike,
              cameras_file: PathLike) -> H36mCamera:
    """The camera of a recording.

    Raises:
        DatasetError: There is none of its name.
    """
    subject, _, serial = key
    if (f'S{subject}', serial) not in cameras:
        raise DatasetError(f'no camera S{subject} {serial} in {cameras_file}', file=file,
                           sequence=sequence_name(key))
    return cameras[f'S{subject}', serial]


def to_world(points: np.ndarray, camera: H36mCamera) -> np.ndarray:
    """x_world = R x_camera + T, metres; +z is up."""
    return points @ camera.R.T + camera.T


def parse_name(name: str, path: Optional[PathLike] = None) -> Tuple[Key, int]:
    """((subject, action, camera), frame number) of an image name.

    Raises:
        DatasetError: It is not ``S1_Action.CAMERA_FRAME.jpg``.
    """
    match = _NAME.match(os.path.basename(name))
    if match is None:
        raise DatasetError(f'image name {name} is not S1_Action.CAMERA_FRAME.jpg', file=path)
    subject, action, camera, frame = match.groups()
    return (int(subject), action, camera), int(frame)


def sequence_name(key: Key) -> str:
    """``S1_Action.CAMERA``."""
    return f'S{key[0]}_{key[1]}.{key[2]}'


def group_frames(names: np.ndarray, path: PathLike) -> Dict[Key, Tuple[np.ndarray, np.ndarray]]:
    """(Subject, action, camera) -> (rows of the file in the order of time, their frame numbers).

    Raises:
        DatasetError: A name is not one of Human3.6M's, or a frame comes twice.
    """
    return mmpose_npz.group_frames(names, parse_name, sequence_name, path)


def action_labels(action: str) -> Dict[str, Union[int, str]]:
    """Labels ``action``, without its number, and ``subaction``, 0 where the name has none."""
    word, _, number = action.partition('_')
    return dict(action=word, subaction=int(number) if number.isdigit() else 0)


def read_file(path: PathLike, cameras: Optional[PathLike] = None) -> List[SkeletonClip]:
    """The clips of a file, sorted by subject, action and camera.

    Labels are ``subject`` (a number), ``action`` (without its number), ``subaction`` (0 where the
    name has none) and ``camera`` (the serial number).

    The frame rate is the video's 50 Hz over the usual step between frame numbers. Frames with a
    joint that is not visible or not finite are masked.

    Raises:
        DatasetError: Unreadable, wrong shapes or names, a frame twice, no camera of that name, or
            no usable frame in a sequence.
    """
    names, points, _ = load_arrays(path)
    known = read_cameras(cameras) if cameras is not None else None
    clips = []
    for key, (rows, frames) in group_frames(names, path).items():
        positions = points[rows, :, :3]
        positions = np.where(points[rows, :, 3:] > 0, positions, np.nan)
        if known is not None:
            positions = to_world(positions, camera_of(known, key, path, cameras))
        step = float(np.median(np.diff(frames))) if len(frames) > 1 else 1.
        clips.append(masked_clip(
            positions * 1000, file=path, name=sequence_name(key), layout=LAYOUT,
            up='-y' if known is None else '+z', fps=VIDEO_FPS / step, zero_joint_invalid=False,
            labels=dict(subject=key[0], camera=key[2], **action_labels(key[1]))))
    return clips


def read_image_points(path: PathLike) -> Dict[str, np.ndarray]:
    """Sequence name -> (T, 17, 3) float32: x, y in pixels and visibility, frames as in `read_file`.

    Raises:
        DatasetError: See `read_file`; or the file has no array ``part``, or a value is not finite.
    """
    names, _, image_points = load_arrays(path)
    if image_points is None:
        raise DatasetError("no array 'part'", file=path)
    out = {}
    for key, (rows, frames) in group_frames(names, path).items():
        points = image_points[rows].astype(np.float32)
        require_finite_frames(points, frames, path, sequence_name(key))
        out[sequence_name(key)] = points
    return out


def read_folder(root: PathLike, cameras: Optional[PathLike] = None, progress: bool = False
                ) -> List[SkeletonClip]:
    """The clips of all .npz files below a folder (or of one file); see `read_file`."""
    return read_each(find_files(root, '*.npz'), lambda path: read_file(path, cameras), progress,
                     'Human3.6M')
