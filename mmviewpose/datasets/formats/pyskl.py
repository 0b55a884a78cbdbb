"""Annotations of mmaction2 and pyskl: one pickle ``{'split': {...}, 'annotations': [...]}``.

An annotation has ``keypoint`` (M, T, V, C) of M people, with C = 3 (Kinect, metres) or 2 (pixels,
with ``keypoint_score`` (M, T, V)), ``label``, ``frame_dir`` (its name) and ``img_shape``. These
files are pickles: read only those whose source you trust (see `pickles`).
"""
from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple

import numpy as np

from mmviewpose.errors import DatasetError
from mmviewpose.skeletons import get_skeleton

from . import ntu
from .clip import PathLike, SkeletonClip, find_files, masked_clip, read_each
from .pickles import read_pickle

METRES = 1000.


@dataclass
class Annotation:
    """One sequence.

    Args:
        name: Its ``frame_dir``.
        label: Class, counted from 0.
        keypoints: (M, T, V, C) float32 in the file's unit.
        scores: (M, T, V) float32, or None.
        image_shape: (height, width), or None.
        splits: Names of the splits that list it.
    """
    name: str
    label: int
    keypoints: np.ndarray
    scores: Optional[np.ndarray]
    image_shape: Optional[Tuple[int, int]]
    splits: Tuple[str, ...]


def read_annotations(path: PathLike) -> List[Annotation]:
    """All sequences of a file, 2D or 3D.

    Raises:
        DatasetError: Unreadable, without annotations, or an annotation without key points or with
            shapes that disagree; names the annotation.
    """
    data = read_pickle(path)
    if not isinstance(data, dict) or not isinstance(data.get('annotations'), (list, tuple)):
        raise DatasetError("not {'split': ..., 'annotations': [...]}", file=path)
    if not data['annotations']:
        raise DatasetError('no annotations', file=path)
    splits = {name: set(members) for name, members in (data.get('split') or {}).items()}
    return [_annotation(entry, number, splits, path)
            for number, entry in enumerate(data['annotations'])]


def _annotation(entry: dict, number: int, splits: Dict[str, set], path: PathLike) -> Annotation:
    name = str(entry.get('frame_dir', number)) if isinstance(entry, dict) else str(number)
    if not isinstance(entry, dict) or 'keypoint' not in entry:
        raise DatasetError("no 'keypoint' (sets that keep key points in files of their own are not "
                           'supported)', file=path, sequence=name)
    keypoints = np.asarray(entry['keypoint'], dtype=np.float32)
    if keypoints.ndim != 4 or keypoints.shape[-1] not in (2, 3):
        raise DatasetError(f'keypoint must be (M, T, V, 2 or 3), got {keypoints.shape}', file=path,
                           sequence=name)
    if 0 in keypoints.shape:
        raise DatasetError('no people or no frames', file=path, sequence=name)
    scores = entry.get('keypoint_score')
    if scores is not None:
        scores = np.asarray(scores, dtype=np.float32)
        if scores.shape != keypoints.shape[:3]:
            raise DatasetError(f'keypoint_score has shape {scores.shape}, keypoint '
                               f'{keypoints.shape}', file=path, sequence=name)
    shape = entry.get('img_shape')
    return Annotation(name, int(entry.get('label', -1)), keypoints, scores,
                      tuple(int(s) for s in shape) if shape is not None else None,
                      tuple(s for s, members in splits.items() if name in members))


def read_file(path: PathLike, layout: str = ntu.LAYOUT, unit_mm: float = METRES, fps: float = 30.,
              bodies: str = 'main') -> List[SkeletonClip]:
    """The 3D sequences of a file as clips, +y up.

    Labels: label (from 0), ``in_SPLIT`` (0 or 1) for every split, and NTU's labels where the name
    is one of NTU's.

    Args:
        path: The pickle.
        layout: Key point layout of the file.
        unit_mm: Millimetres in the file's unit.
        fps: Frame rate, which the file does not say.
        bodies: ``'main'`` or ``'all'``, as in `ntu.read_file`.

    Raises:
        DatasetError: See `read_annotations`; or key points that are 2D (`read_annotations` reads
            those) or not of the layout, or no usable frame.
    """
    if bodies not in ('main', 'all'):
        raise ValueError(f"bodies must be 'main' or 'all', got {bodies!r}")
    annotations = read_annotations(path)
    splits = sorted({name for a in annotations for name in a.splits})
    joints = get_skeleton(layout).num_joints
    clips = []
    for a in annotations:
        if a.keypoints.shape[2:] != (joints, 3):
            raise DatasetError(f'layout {layout} needs {joints} key points in 3D, got '
                               f'{a.keypoints.shape[2:]}', file=path, sequence=a.name)
        labels = {'label': a.label, **(ntu.parse_name(a.name) or {}),
                  **{f'in_{name}': int(name in a.splits) for name in splits}}
        order = [i for i in ntu.rank_bodies(a.keypoints) if bodies == 'main' or _usable(a, i)]
        for rank, index in enumerate(order[:1] if bodies == 'main' else order):
            name = a.name if bodies == 'main' else f'{a.name}_{rank}'
            own = labels if bodies == 'main' else {**labels, 'body': rank}
            clips.append(masked_clip(a.keypoints[index] * unit_mm, file=path, name=name,
                                     layout=layout, up='+y', fps=fps, labels=own,
                                     zero_joint_invalid=False))
    return clips


def _usable(annotation: Annotation, person: int) -> bool:
    points = annotation.keypoints[person]
    return bool((np.isfinite(points).all(axis=(1, 2)) & (points != 0).any(axis=(1, 2))).any())


def read_folder(root: PathLike, layout: str = ntu.LAYOUT, unit_mm: float = METRES,
                fps: float = 30., bodies: str = 'main', progress: bool = False
                ) -> List[SkeletonClip]:
    """The clips of all .pkl files below a folder (or of one file); arguments as in `read_file`."""
    return read_each(find_files(root, '*.pkl'),
                     lambda path: read_file(path, layout, unit_mm, fps, bodies), progress, 'pyskl')
