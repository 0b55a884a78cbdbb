"""Human3.6M in mmpose's .npz as performances that several cameras saw.

Frames of one subject and action (with its number: ``Directions`` and ``Directions_1`` are two
performances) are a clip, those of one camera a view; where frames are missing, a new clip begins.
The arrays are those of `mmpose_npz`.
"""
import itertools
from typing import Dict, Iterator, List, Optional, Tuple

import numpy as np

from .clip import PathLike
from .h36m import (LAYOUT, VIDEO_FPS, Key, action_labels, camera_of, group_frames, read_cameras,
                   sequence_name)
from .mmpose_npz import (View, cut_at_gaps, load_points, part_name, require_finite_frames,
                         shared_frames, view_sequence)
from .views import ViewSequence


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
    names, labels, points = load_points(path, detections)
    known = read_cameras(cameras)
    usable = (labels[..., 3] > 0).all(1) & np.isfinite(labels).all((1, 2))
    for (subject, action), views in _clips(group_frames(names, path), usable).items():
        name = f'S{subject}_{action}'
        shared = shared_frames(views, path, name)
        parts, step = cut_at_gaps(shared)
        for places, view in itertools.product(parts, views):
            frames = shared[places]
            key = subject, action, view.camera
            camera = camera_of(known, key, path, cameras)
            rows = view.rows[np.isin(view.frames, frames)]
            require_finite_frames(points[rows], frames, detections or path, sequence_name(key))
            yield view_sequence(
                points[rows], points[rows, :, 2].clip(0, 1), labels[rows], camera,
                clip=part_name(name, parts, frames[0]), view=view.camera, fps=VIDEO_FPS / step,
                layout=LAYOUT, labels=dict(subject=subject, **action_labels(action)))


def _clips(groups: Dict[Key, Tuple[np.ndarray, np.ndarray]], usable: np.ndarray
           ) -> Dict[Tuple[int, str], List[View]]:
    clips: Dict[Tuple[int, str], List[View]] = {}
    for (subject, action, camera), (rows, frames) in groups.items():
        kept = usable[rows]
        clips.setdefault((subject, action), []).append(View(camera, rows[kept], frames[kept]))
    return clips
