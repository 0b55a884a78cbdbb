"""Ski-PosePTZ: alpine skiers in the crops of six cameras that pan, tilt and zoom.

As published, ``train/labels.h5`` and ``test/labels.h5`` (with images that are not read here)
hold, a row for each picture: ``seq``, ``cam``, ``frame``, ``subj`` (N,), ``3D`` (N, 51) in metres,
relative to the pelvis, in the camera's axes, ``2D`` (N, 34) in shares of the crop,
``cam_intrinsic`` (N, 3, 3) in shares of the crop, and the cameras' poses. Joints are Human3.6M's
17. The authors of papers/two_views.txt detect key points with their ``prepare_data.py`` and write
``train_sequences.pkl`` and ``test_sequences.pkl`` from that: a list of dicts, one a run, with
arrays (C, S, ...) for C cameras and S frames: ``pred_2D`` (x, y in px of the crop), ``pred_conf``
in COCO's order of joints (``pred_2D``'s third column is the same, so it does not belong to its
joints), ``gt_3D``, ``camera_intrinsic`` and ``frame_existance``.

Known from the published code are the arrays, their units and the crop's 256 px; assumed is the
frame rate (`FPS`), which no file gives.

The runs have holes, others in each camera. A picture that is missing is a frame whose scores are
all 0; its 3D is that of the nearest frame that is there. Crop and zoom change with each frame, so
there are no intrinsics of a view; where the pelvis is, in the camera's axes, follows from ``2D``,
``3D`` and the frame's own intrinsics, in least squares.
"""
import importlib
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence, Tuple

import numpy as np

from mmviewpose.errors import DatasetError, UserError

from .clip import PathLike, find_files
from .pickles import read_pickle
from .view_layout import remap_scores
from .views import ViewSequence

LAYOUT = 'h36m17'
CROP = 256
FPS = 30.
NUM_CAMERAS = 6
_H5 = dict(seq=(), cam=(), frame=(), subj=(), **{'3D': (17, 3), '2D': (17, 2)},
           cam_intrinsic=(3, 3))
_RUN = dict(gt_3D=(17, 3), pose_2D_px=(17, 2), pred_2D=(17, 3), pred_conf=(17, ),
            camera_intrinsic=(3, 3))


class _Pictures(NamedTuple):
    """What one camera saw of a run: N pictures at some of its frames."""
    frames: np.ndarray        # (N,)
    keypoints: np.ndarray     # (N, 17, 2) px
    scores: np.ndarray        # (N, 17)
    poses: np.ndarray         # (N, 17, 3) metres, relative to the pelvis
    labels_2d: np.ndarray     # (N, 17, 2) shares of the crop
    intrinsics: np.ndarray    # (N, 3, 3) shares of the crop


def read_views(root: PathLike, detections: bool = False, fps: float = FPS
               ) -> Iterator[ViewSequence]:
    """The views of all runs: clips ``train_seq_000`` ..., views ``cam_00`` to ``cam_05``.

    Labels are ``subject``, ``run`` (numbers) and ``split`` (``train``, ``test``).

    Args:
        root: The data set's folder, or one of its files.
        detections: Read the ``*_sequences.pkl`` of the authors' ``prepare_data.py`` instead of the
            annotated key points (score 1) of ``labels.h5``.
        fps: Frame rate.

    Yields:
        Sequences in layout h36m17, image points in px of the 256 px crop, 3D in mm in the
        camera's axes.

    Raises:
        DatasetError: A file is missing or broken, or a value is not finite.
        UserError: ``labels.h5`` is to be read and h5py is not installed.
    """
    pattern, read = ('*_sequences.pkl', _read_pickle) if detections else ('labels.h5', _read_h5)
    for path in find_files(root, pattern):
        split = path.name.partition('_')[0] if detections else path.parent.name
        for run, subject, cameras in read(path):
            yield from _views(path, f'{split}_seq_{run:03d}', cameras, fps,
                              dict(subject=subject, run=run, split=split))


def _read_h5(path: Path) -> Iterator[Tuple[int, int, Dict[int, _Pictures]]]:
    arrays = _load_h5(path)
    _require_finite(arrays, path, arrays['seq'], arrays['frame'])
    for run in np.unique(arrays['seq']):
        cameras = {}
        for camera in np.unique(arrays['cam'][arrays['seq'] == run]):
            rows = np.flatnonzero((arrays['seq'] == run) & (arrays['cam'] == camera))
            rows = rows[np.argsort(arrays['frame'][rows], kind='stable')]
            frames = arrays['frame'][rows].astype(np.int64)
            if (np.diff(frames) == 0).any():
                raise DatasetError(f'a frame comes twice in camera {int(camera)}', file=path,
                                   sequence=f'seq_{int(run):03d}',
                                   frame=int(frames[np.flatnonzero(np.diff(frames) == 0)[0]]))
            labels_2d = arrays['2D'][rows]
            cameras[int(camera)] = _Pictures(
                frames, labels_2d * CROP, np.ones(labels_2d.shape[:2]), arrays['3D'][rows],
                labels_2d, arrays['cam_intrinsic'][rows])
        yield int(run), int(arrays['subj'][arrays['seq'] == run][0]), cameras


def _load_h5(path: Path) -> Dict[str, np.ndarray]:
    try:
        h5py = importlib.import_module('h5py')
    except ImportError as e:
        raise UserError(f'{path} needs h5py to be read: pip install h5py; or convert the pickles '
                        "of the authors' prepare_data.py with --detections") from e
    try:
        with h5py.File(path, 'r') as file:
            arrays = {key: np.asarray(file[key], dtype=np.float64) for key in _H5}
    except KeyError as e:
        raise DatasetError(f'an array is missing ({e})', file=path) from e
    except (OSError, ValueError, TypeError) as e:
        raise DatasetError(f'not a readable HDF5 file, or a truncated one ({e})',
                           file=path) from e
    count = arrays['seq'].size
    try:
        return {key: arrays[key].reshape(count, *shape) for key, shape in _H5.items()}
    except ValueError as e:
        found = {key: value.shape for key, value in arrays.items()}
        raise DatasetError(f'arrays do not fit: {found}', file=path) from e


def _read_pickle(path: Path) -> Iterator[Tuple[int, int, Dict[int, _Pictures]]]:
    runs = read_pickle(path)
    if not isinstance(runs, (list, tuple)):
        raise DatasetError("not a list of runs, as the authors' prepare_data.py writes",
                           file=path)
    for number, run in enumerate(runs):
        name = f'seq_{number:03d}'
        arrays, there = _run_arrays(run, path, name)
        cameras = {}
        for camera, seen in enumerate(there):
            frames = np.flatnonzero(seen)
            if not len(frames):
                continue
            one = {key: value[camera, frames] for key, value in arrays.items()}
            _require_finite(one, path, np.full(len(frames), number), frames)
            scores = remap_scores(one['pred_conf'].clip(0, 1), 'coco17', LAYOUT)
            cameras[camera] = _Pictures(frames, one['pred_2D'][..., :2], scores, one['gt_3D'],
                                        one['pose_2D_px'] / CROP, one['camera_intrinsic'])
        if not cameras:
            raise DatasetError('no picture in any camera', file=path, sequence=name)
        yield number, _subject(run), cameras


def _run_arrays(run: Any, path: Path, name: str) -> Tuple[Dict[str, np.ndarray], np.ndarray]:
    try:
        there = np.asarray(run['frame_existance'], dtype=bool)
        count = there.shape
        return {key: np.asarray(run[key], dtype=np.float64).reshape(*count, *shape)
                for key, shape in _RUN.items()}, there
    except KeyError as e:
        raise DatasetError(f'the run has no {e}', file=path, sequence=name) from e
    except (TypeError, ValueError) as e:
        raise DatasetError(f'arrays of the run do not fit ({e})', file=path,
                           sequence=name) from e


def _subject(run: Dict[str, Any]) -> int:
    found = np.ravel(np.asarray(run.get('subj', -1), dtype=np.float64))
    return int(found[0]) if len(found) else -1


def _require_finite(arrays: Dict[str, np.ndarray], path: Path, runs: np.ndarray,
                    frames: np.ndarray) -> None:
    bad = ~np.all([np.isfinite(value).reshape(len(value), -1).all(1)
                   for value in arrays.values()], axis=0)
    if bad.any():
        row = np.flatnonzero(bad)[0]
        raise DatasetError('a value is not finite', file=path,
                           sequence=f'seq_{int(np.nan_to_num(runs[row])):03d}',
                           frame=int(np.nan_to_num(frames[row])))


def _views(path: Path, clip: str, cameras: Dict[int, _Pictures], fps: float,
           labels: Dict[str, object]) -> List[ViewSequence]:
    """Views of one length: all frames that any camera has."""
    moments = np.unique(np.concatenate([view.frames for view in cameras.values()]))
    return [_view(path, clip, f'cam_{camera:02d}', moments, pictures, fps, labels)
            for camera, pictures in sorted(cameras.items())]


def _view(path: Path, clip: str, view: str, moments: np.ndarray, seen: _Pictures, fps: float,
          labels: Dict[str, object]) -> ViewSequence:
    positions = seen.poses + _pelvis(seen)
    behind = ~(positions[..., 2] > 0).all(1)
    if behind.any():
        raise DatasetError(f'2D, 3D and cam_intrinsic of {view} disagree: the skier would be '
                           'behind the camera', file=path, sequence=clip,
                           frame=int(seen.frames[np.flatnonzero(behind)[0]]))
    rows, there = _nearest(seen.frames, moments)
    scores = np.where(there[:, None], seen.scores[rows], 0)
    keypoints = np.where(scores[..., None] > 0, seen.keypoints[rows], 0)
    return ViewSequence(
        keypoints.astype(np.float32), scores.astype(np.float32), clip=clip, view=view, fps=fps,
        image_size=(CROP, CROP), layout=LAYOUT,
        positions=(positions[rows] * 1000).astype(np.float32), labels=labels)


def _nearest(frames: np.ndarray, moments: Sequence[int]) -> Tuple[np.ndarray, np.ndarray]:
    """For each moment the row of the nearest of sorted ``frames``, and whether it is that frame."""
    after = np.searchsorted(frames, moments).clip(0, len(frames) - 1)
    before = np.maximum(after - 1, 0)
    rows = np.where(np.abs(frames[before] - moments) < np.abs(frames[after] - moments), before,
                    after)
    return rows, frames[rows] == moments


def _pelvis(seen: _Pictures) -> np.ndarray:
    """Where the pelvis is, (N, 1, 3) metres in the camera's axes.

    With (x, y) a joint's image point at focal length 1 and (X, Y, Z) its place relative to the
    pelvis, ``x (Z + t_z) = X + t_x`` and the same for y: linear in t, and solved over all joints.
    """
    count, joints = seen.poses.shape[:2]
    homogeneous = np.concatenate([seen.labels_2d, np.ones((count, joints, 1))], -1)
    rays = np.einsum('nij,nkj->nki', np.linalg.pinv(seen.intrinsics), homogeneous)
    image = rays[..., :2] / rays[..., 2:]
    left = np.zeros((count, joints, 2, 3))
    left[..., 0, 0] = left[..., 1, 1] = 1
    left[..., 2] = -image
    right = image * seen.poses[..., 2:] - seen.poses[..., :2]
    left, right = left.reshape(count, -1, 3), right.reshape(count, -1, 1)
    return np.matmul(np.linalg.pinv(left), right).reshape(count, 1, 3)
