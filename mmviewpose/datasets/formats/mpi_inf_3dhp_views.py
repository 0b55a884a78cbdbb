"""MPI-INF-3DHP in mmpose's .npz as performances that one or several cameras saw.

A training sequence is a clip and its cameras are the views; a test sequence has one view. Where
frames are missing, or the activity changes, a new clip begins. The arrays are those of
`mmpose_npz`, the names those of `mpi_inf_3dhp`.
"""
import itertools
from typing import Dict, Iterator, List, Optional, Tuple

import numpy as np

from .clip import PathLike
from .mmpose_npz import View, load_points, require_finite_frames, shared_frames, view_sequence
from .mpi_inf_3dhp import (LAYOUT, Camera, Recording, camera_of, cut, group_frames,
                           read_activities, read_cameras)
from .views import ViewSequence


def read_views(path: PathLike, cameras: PathLike, detections: Optional[PathLike] = None,
               activities: Optional[PathLike] = None, outside: bool = False
               ) -> Iterator[ViewSequence]:
    """The views of a file, test before training, sorted by subject, sequence and camera.

    Where the cameras of a sequence differ in frames, those are kept that all cameras have. A frame
    counts only where all of ``S`` is finite; a test frame that the data set calls invalid stays,
    with scores 0. The names of views are ``Cam0`` ... and ``test``; labels are those of
    :class:`~mmviewpose.datasets.formats.mpi_inf_3dhp.Part`.

    Args:
        path: ``mpi_inf_3dhp_train.npz``, ``mpi_inf_3dhp_test_valid.npz`` and the like.
        cameras: mmpose's ``cameras_train.pkl`` or ``cameras_test.pkl``, for intrinsics and image
            sizes.
        detections: Key points of a detector, ``.npy`` (N, 17, 3) with x, y in px and a score;
            scores above 1 count as 1. Without it, the projected labels ``part`` with score 1, and
            0 outside the picture.
        activities: See :func:`~mmviewpose.datasets.formats.mpi_inf_3dhp.read_activities`.
        outside: Joints outside the picture have score 1 as well: the published tests with
            ground-truth 2D take them.

    Yields:
        Sequences in layout mpi_inf_3dhp17; 3D in mm in the camera's axes.

    Raises:
        DatasetError: A file is unreadable or does not fit, a value is not finite, a camera is
            unknown, or the cameras of a sequence have no frame in common.
    """
    names, labels, points = load_points(path, detections)
    known = read_cameras(cameras)
    facts = read_activities(activities) if activities is not None else None
    usable = np.isfinite(labels).all((1, 2))
    for performance, views in _performances(group_frames(names, path), usable).items():
        shared = shared_frames([view for _, view in views], path, performance)
        parts = cut(views[0][0], performance, shared, facts, path)
        for part, (recording, view) in itertools.product(parts, views):
            frames = shared[part.places]
            rows = view.rows[np.isin(view.frames, frames)]
            camera = camera_of(known, recording, path, cameras)
            require_finite_frames(points[rows], frames, detections or path, recording.name)
            if detections is not None:
                scores = points[rows, :, 2].clip(0, 1)
            else:
                scores = np.ones(points[rows].shape[:2]) if outside else _inside(points[rows],
                                                                                camera)
            yield view_sequence(
                points[rows], scores * part.valid[:, None], labels[rows], camera, clip=part.name,
                view=recording.view, fps=part.fps, layout=LAYOUT, labels=part.labels)


def _performances(groups: Dict[Recording, Tuple[np.ndarray, np.ndarray]], usable: np.ndarray
                  ) -> Dict[str, List[Tuple[Recording, View]]]:
    performances: Dict[str, List[Tuple[Recording, View]]] = {}
    for recording, (rows, frames) in groups.items():
        kept = usable[rows]
        performances.setdefault(recording.performance, []).append(
            (recording, View(recording.view, rows[kept], frames[kept])))
    return performances


def _inside(points: np.ndarray, camera: Camera) -> np.ndarray:
    """Which points (T, K, 3) are called visible and lie inside the camera's own picture.

    mmpose's visibility takes all pictures for 2048 x 2048 px, but TS5's and TS6's are smaller.
    """
    x, y, visible = np.moveaxis(points, -1, 0)
    return ((visible > 0) & (x >= 0) & (x < camera.size[0]) & (y >= 0)
            & (y < camera.size[1])).astype(np.float32)
