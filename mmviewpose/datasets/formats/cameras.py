"""The project's file of camera poses: one .npz without pickles.

Arrays: ``rotations`` (N, 3, 3) camera-to-world, ``centres`` (N, 3) in mm, ``subjects`` (N,) and
``serials`` (N,) int64, and the word ``format``. World axes are those of the archives, y up; a
camera's are those of `geometry.camera`: x right, y down, z forward.
"""
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Mapping, Tuple

import numpy as np

from mmviewpose.errors import DatasetError

from . import mpi_inf_3dhp
from .clip import PathLike
from .h36m import H36mCamera
from .npz import write_npz

FORMAT = 'mmviewpose-cameras-1'

# Human3.6M's world is +z up; turned as `clip.to_y_up` turns clips.
_TO_Y_UP = np.array([[1., 0, 0], [0, 0, 1], [0, -1, 0]])
# Likewise for a clip in camera space.
_FROM_CAMERA = np.diag([1., -1., -1.])


@dataclass
class CameraPoses:
    """Where N cameras stand and look.

    Args:
        rotations: (N, 3, 3) camera-to-world, ``x_camera = R^T (x_world - centre)``.
        centres: (N, 3) mm.
        subjects: (N,) the recorded person that the calibration belongs to; 0 for anybody.
        serials: (N,) the camera's number.
    """
    rotations: np.ndarray
    centres: np.ndarray
    subjects: np.ndarray
    serials: np.ndarray

    def __len__(self) -> int:
        return len(self.centres)

    def save(self, path: PathLike) -> None:
        """Write the cameras to a file that `read_camera_poses` reads, whole or not at all.

        Raises:
            DatasetError: The file cannot be written.
        """
        write_npz(path, FORMAT, vars(self))


def from_h36m(cameras: Mapping[Tuple[str, str], H36mCamera]) -> CameraPoses:
    """Cameras of `h36m.read_cameras`, sorted by subject and serial number."""
    keys = sorted(cameras, key=lambda key: (int(key[0][1:]), int(key[1])))
    return CameraPoses(
        np.stack([_TO_Y_UP @ cameras[key].R for key in keys]),
        np.stack([_TO_Y_UP @ cameras[key].T * 1000. for key in keys]),
        np.array([int(key[0][1:]) for key in keys]), np.array([int(key[1]) for key in keys]))


def from_mpi_inf_3dhp(cameras: Mapping[mpi_inf_3dhp.Recording, mpi_inf_3dhp.Camera]
                      ) -> CameraPoses:
    """Cameras of `mpi_inf_3dhp.read_cameras`, sorted by subject and number.

    The test's cameras, number -1, whose pose is not published, stand in the origin and look
    horizontally: so they see the test's clips, which are in camera space.

    Raises:
        DatasetError: The two sequences of a subject have different calibrations.
    """
    found: Dict[Tuple[int, int], Tuple[np.ndarray, np.ndarray]] = {}
    for recording, camera in sorted(cameras.items(), key=lambda item: item[0]):
        pose = _FROM_CAMERA, np.zeros(3)
        if camera.R is not None:
            pose = camera.R.T, -1000. * camera.R.T @ camera.T
        first = found.setdefault((recording.person, recording.camera), pose)
        if not all(np.allclose(a, b) for a, b in zip(first, pose)):
            raise DatasetError("another calibration than in the subject's first sequence",
                               sequence=recording.name)
    keys = sorted(found)
    subjects, serials = np.array(keys).T
    return CameraPoses(np.stack([found[key][0] for key in keys]),
                       np.stack([found[key][1] for key in keys]), subjects, serials)


def read_camera_poses(path: PathLike) -> CameraPoses:
    """The cameras of a file.

    Raises:
        DatasetError: The file is missing, truncated, or its arrays disagree.
    """
    path = Path(path)
    if not path.is_file():
        raise DatasetError('file not found; tools/dataset_converters/h36m_cameras.py writes it',
                           file=path)
    try:
        with np.load(path, allow_pickle=False) as data:
            if str(data['format']) != FORMAT:
                raise KeyError('format')
            cameras = CameraPoses(data['rotations'], data['centres'], data['subjects'],
                                  data['serials'])
    except (OSError, ValueError, EOFError, KeyError, AttributeError, TypeError,
            zipfile.BadZipFile) as e:
        raise DatasetError(f'not a readable file of cameras, or a truncated one ({e})',
                           file=path) from e
    count = len(cameras)
    shapes = [value.shape for value in vars(cameras).values()]
    if not count or shapes != [(count, 3, 3), (count, 3), (count,), (count,)]:
        raise DatasetError(f'arrays of cameras do not fit: {shapes}', file=path)
    if not np.isfinite(cameras.rotations).all() or not np.isfinite(cameras.centres).all():
        raise DatasetError('a value is not finite', file=path)
    return cameras
