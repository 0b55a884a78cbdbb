"""Single 2D poses of recordings."""
from typing import Dict

import numpy as np
import torch
from mmengine.logging import print_log

from mmviewpose.datasets.datasets.archive_source import (Selection, Sources, SourcesDataset,
                                                         chosen_frames, select_views,
                                                         sequence_of_frames, shared_labels)
from mmviewpose.datasets.formats.views import ViewArchive
from mmviewpose.errors import DatasetError
from mmviewpose.geometry.scaled_perspective import (NOMINAL_FOCAL, image_to_plane,
                                                    known_or_nominal)
from mmviewpose.registry import DATASETS


@DATASETS.register_module()
class ViewPoseDataset(SourcesDataset):
    """Frames of archives of views (``tools/dataset_converters/views.py`` and
    ``multiview_keypoints.py``), the 2D pose that one camera shows a sample.

    ``keypoints_2d`` ``(K, 2)`` are as ``ProjectPoses`` makes them: image coordinates about the
    root's, y up, times ``distance`` over the focal length. ``keypoints`` ``(K, 3)`` are the 3D
    about the root in mm (x right, y up, z towards the camera) where there is any; ``mask`` ``(K,)``
    says where. Labels are as in :class:`PoseDataset`. Frames in which a joint was not seen well are
    left out and counted in the log.

    Args:
        sources: What to take of which archive, see
            :func:`~mmviewpose.datasets.datasets.archive_source.select_views`.
        data_root: Folder that the archives are relative to.
        skeleton: Layout that the archives must have.
        min_score: Least score of each joint.
        with_3d: Take only frames with 3D.
        distance: Nominal distance, mm.
        focal: Nominal focal length over the image's longer side, where intrinsics are unknown.
        root: Root joint.
        **array: ``pipeline``, ``prepare``, ``prepare_seed`` of :class:`ArrayDataset`.

    Raises:
        DatasetError: A file is missing or broken, or nothing is left.
    """

    def __init__(self, sources: Sources, data_root: str = '', skeleton: str = 'h36m17',
                 min_score: float = 0.2, with_3d: bool = False, distance: float = 4500.,
                 focal: float = NOMINAL_FOCAL, root: int = 0, **array) -> None:
        if not sources:
            raise DatasetError('no sources')
        parts, tables = [], []
        for source in sources:
            selection = select_views(source, data_root, skeleton)
            archive, sequence = selection.archive, sequence_of_frames(selection.archive)
            labelled = archive.labelled[sequence] & bool(source.get('use_3d', True))
            kept = _usable(selection, source['ann_file'], min_score, labelled, with_3d)
            parts.append(_poses(archive, kept, sequence[kept], labelled[kept], distance, focal))
            tables.append({key: value[sequence[kept]] for key, value in archive.labels.items()})
        arrays = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
        if not len(arrays['mask']):
            raise DatasetError('no frame is left in which all joints were seen')
        for key in ('keypoints_2d', 'keypoints'):
            arrays[key] = arrays[key] - arrays[key][:, root, None]
        labels, words = shared_labels(tables)
        super().__init__(dict(labels, **arrays), metainfo=dict(skeleton=skeleton,
                                                               label_names=words), **array)


def _usable(selection: Selection, file: str, min_score: float, labelled: np.ndarray,
            with_3d: bool) -> np.ndarray:
    """Which of the F frames are chosen, seen in all joints and, where that is asked for, have 3D.
    """
    chosen = chosen_frames(selection)
    kept = chosen & (selection.archive.scores >= min_score).all(1)
    if with_3d:
        kept &= labelled
    print_log(f'{file}: {kept.sum()} of {chosen.sum()} frames taken; in the others a joint has a '
              f'score below {min_score:g}{" or there is no 3D" if with_3d else ""}', 'current')
    return kept


def _poses(archive: ViewArchive, kept: np.ndarray, sequence: np.ndarray, labelled: np.ndarray,
           distance: float, focal: float) -> Dict[str, np.ndarray]:
    """2D, 3D and mask of the N kept of the frames, y up; whose sequence and whether there is 3D
    are ``(N,)``."""
    intrinsics = known_or_nominal(torch.as_tensor(archive.intrinsics, dtype=torch.float32),
                                  torch.as_tensor(archive.image_sizes, dtype=torch.float32), focal)
    points = image_to_plane(torch.as_tensor(archive.keypoints[kept]), intrinsics[sequence],
                            distance)
    poses = np.where(labelled[:, None, None], archive.positions[kept], 0.)
    return dict(keypoints_2d=points.numpy() * np.float32([1, -1]),
                keypoints=(poses * [1, -1, -1]).astype(np.float32),
                mask=np.repeat(labelled[:, None], points.shape[1], 1))
