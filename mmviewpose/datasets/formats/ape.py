"""Corrupted poses of the APE data set as SeBiReNet's authors publish them.

``removeN/{train,test}/APE_{train,test}.json`` holds poses with N joints moved far off, the file
with ``_gt`` the same poses untouched: JSON arrays N x 17 x 3 or N x 51 in millimetres, y up. The
poses have no order in time.
"""
import json
from dataclasses import dataclass
from pathlib import Path
from typing import List, Sequence

import numpy as np

from mmviewpose.errors import DatasetError

from .clip import PathLike, SkeletonClip, read_text, require_finite

LAYOUT = 'ape17'
NUM_MOVED = (1, 2, 3, 4, 5)


@dataclass
class ApePairs:
    """N pairs of poses.

    Args:
        corrupted: (N, 17, 3) float32 mm, absolute positions as published.
        clean: (N, 17, 3) float32 mm.
        num_moved: (N,) int64, how many joints were moved.
    """
    corrupted: np.ndarray
    clean: np.ndarray
    num_moved: np.ndarray


def read_poses(path: PathLike, unit_mm: float = 1.) -> np.ndarray:
    """The (N, 17, 3) float32 poses of one JSON file in mm.

    Raises:
        DatasetError: Unreadable, truncated, no poses, a wrong joint count, or a value that is not
            finite; names the pose.
    """
    try:
        data = json.loads(read_text(path))
    except ValueError as e:
        if isinstance(e, DatasetError):
            raise
        raise DatasetError(f'broken or truncated JSON ({e})', file=path) from e
    if not isinstance(data, list) or not data:
        raise DatasetError('not a list of poses, or an empty one', file=path)
    try:
        poses = np.array(data, dtype=np.float64)
    except (ValueError, TypeError):
        poses = np.empty(0)
    if poses.shape[1:] not in ((17, 3), (51,)):
        raise _wrong_pose(data, path)
    poses = poses.reshape(-1, 17, 3)
    require_finite(poses, path, Path(path).stem)
    return (poses * unit_mm).astype(np.float32)


def _wrong_pose(data: list, path: PathLike) -> DatasetError:
    for number, pose in enumerate(data):
        try:
            shape = np.array(pose, dtype=np.float64).shape
        except (ValueError, TypeError):
            shape = 'ragged or not numbers'
        if shape not in ((17, 3), (51,)):
            return DatasetError(f'a pose must be 17 x 3 or 51 numbers, this one is {shape}',
                                file=path, sequence=Path(path).stem, frame=number)
    return DatasetError('poses of different forms in one file', file=path)


def read_pairs(root: PathLike, split: str, num_moved: Sequence[int] = NUM_MOVED,
               unit_mm: float = 1.) -> ApePairs:
    """The pairs of a split, for the given numbers of moved joints in turn.

    Raises:
        DatasetError: See `read_poses`; or a pair of files differs in length.
    """
    corrupted, clean = [], []
    for moved in num_moved:
        folder = Path(root, f'remove{moved}', split)
        corrupted.append(read_poses(folder / f'APE_{split}.json', unit_mm))
        clean.append(read_poses(folder / f'APE_{split}_gt.json', unit_mm))
        if len(corrupted[-1]) != len(clean[-1]):
            raise DatasetError(f'{len(corrupted[-1])} corrupted but {len(clean[-1])} clean poses',
                               file=folder)
    counts = np.repeat(np.asarray(num_moved, dtype=np.int64), [len(c) for c in clean])
    return ApePairs(np.concatenate(corrupted), np.concatenate(clean), counts)


def read_folder(root: PathLike, unit_mm: float = 1., progress: bool = False) -> List[SkeletonClip]:
    """Every file as a clip without frame rate (fps 0), for the removeN folders that are there.

    Labels: split, num_moved, kind (``'corrupted'`` or ``'clean'``; row i of one is row i of the
    other).

    Raises:
        DatasetError: No removeN folder, or a file is missing or cannot be read.
    """
    if not Path(root).is_dir():
        raise DatasetError('no such folder', file=root)
    folders = [(n, s) for n in NUM_MOVED for s in ('train', 'test')
               if Path(root, f'remove{n}', s).is_dir()]
    if not folders:
        raise DatasetError('no folder removeN/train or removeN/test', file=root)
    if progress:
        from tqdm import tqdm
        folders = tqdm(folders, desc='APE', unit='folder')
    clips = []
    for moved, split in folders:
        pairs = read_pairs(root, split, (moved,), unit_mm)
        for kind, poses in (('corrupted', pairs.corrupted), ('clean', pairs.clean)):
            clips.append(SkeletonClip(poses, LAYOUT, '+y', 0., f'remove{moved}_{split}_{kind}',
                                      dict(split=split, num_moved=moved, kind=kind)))
    return clips
