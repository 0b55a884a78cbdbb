"""NTU RGB+D 60 and 120: Kinect v2 text files ``SsssCcccPpppRrrrAaaa.skeleton``.

A file holds, frame by frame, the bodies that the sensor saw: ten values about the body, a joint
count and 25 joints of 12 values, of which the first three are metres (y up, 30 frames a second).
Every tracked body becomes a clip over all frames of the file; frames without it are masked. By
default only the main actor is returned.

The lists of samples with missing skeletons that the authors publish
(``NTU_RGBD_samples_with_missing_skeletons.txt``,
``NTU_RGBD120_samples_with_missing_skeletons.txt``) are used when they stand in the
folder that is read, or are given.
"""
import re
from pathlib import Path
from typing import Dict, FrozenSet, List, Optional, Sequence, Tuple

import numpy as np

from mmviewpose.errors import DatasetError

from .clip import PathLike, SkeletonClip, find_files, masked_clip, read_each, read_text

LAYOUT = 'ntu25'
FPS = 30.
MISSING_LISTS = ('NTU_RGBD_samples_with_missing_skeletons.txt',
                 'NTU_RGBD120_samples_with_missing_skeletons.txt')

# Training subjects of the cross-subject protocols (Shahroudy 2016, Liu 2020).
SUBJECTS_60 = (1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38)
SUBJECTS_120 = (*SUBJECTS_60, 45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78, 80,
                81, 82, 83, 84, 85, 86, 89, 91, 92, 93, 94, 95, 97, 98, 100, 103)
CAMERAS_60 = (2, 3)
LAST_SETUP_60 = 17
PROTOCOLS = ('xsub60', 'xview60', 'xsub120', 'xset120')

_NAME = re.compile(r'S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})')
_BODY_VALUES, _JOINT_VALUES, _JOINTS = 10, 12, 25


def parse_name(name: str) -> Optional[Dict[str, int]]:
    """Labels of a sample name, or None if it is none: setup, camera, subject, replication, action,
    and for each of `PROTOCOLS` 1 (training), 0 (test) or -1 (not in that benchmark)."""
    match = _NAME.search(name)
    if match is None:
        return None
    labels = dict(zip(('setup', 'camera', 'subject', 'replication', 'action'),
                      map(int, match.groups())))
    in_60 = labels['setup'] <= LAST_SETUP_60
    train = {'xsub60': labels['subject'] in SUBJECTS_60, 'xview60': labels['camera'] in CAMERAS_60,
             'xsub120': labels['subject'] in SUBJECTS_120, 'xset120': labels['setup'] % 2 == 0}
    return {**labels, **{p: int(train[p]) if in_60 or p.endswith('120') else -1
                         for p in PROTOCOLS}}


def split(clips: Sequence[SkeletonClip], protocol: str, part: str) -> List[SkeletonClip]:
    """The clips of a protocol's ``'train'`` or ``'test'`` list; protocols: `PROTOCOLS`."""
    if protocol not in PROTOCOLS or part not in ('train', 'test'):
        raise ValueError(f"protocol must be one of {PROTOCOLS} and part 'train' or 'test', got "
                         f'{protocol!r}, {part!r}')
    return [clip for clip in clips if clip.labels[protocol] == (part == 'train')]


def read_missing(*paths: PathLike) -> FrozenSet[str]:
    """Sample names in lists of missing skeletons; other text in the files is passed over.

    Raises:
        DatasetError: A file cannot be read or names no sample.
    """
    names: List[str] = []
    for path in paths:
        found = [m.group() for m in _NAME.finditer(read_text(path))]
        if not found:
            raise DatasetError('names no sample (SsssCcccPpppRrrrAaaa)', file=path)
        names += found
    return frozenset(names)


def read_bodies(path: PathLike) -> Dict[str, np.ndarray]:
    """All bodies of a file: tracking id -> (T, 25, 3) metres, NaN where the body is not seen.

    Raises:
        DatasetError: Unreadable, truncated, no frames, a wrong joint count, or a value that is not
            a number; names the frame.
    """
    path = Path(path)
    words = read_text(path).split()
    frame, at = -1, 1

    def error(problem: str) -> DatasetError:
        return DatasetError(problem, file=path, sequence=path.stem, frame=max(frame, 0))

    seen: Dict[str, List[Tuple[int, np.ndarray]]] = {}
    try:
        frames = int(words[0])
        for frame in range(frames):
            bodies, at = int(words[at]), at + 1
            for _ in range(bodies):
                body, joints = words[at], int(words[at + _BODY_VALUES])
                at += _BODY_VALUES + 1
                if joints != _JOINTS:
                    raise error(f'{joints} joints, expected {_JOINTS}')
                block = words[at:at + _JOINTS * _JOINT_VALUES]
                at += len(block)
                if len(block) != _JOINTS * _JOINT_VALUES:
                    raise IndexError
                points = np.array(block, dtype=np.float64).reshape(_JOINTS, _JOINT_VALUES)
                seen.setdefault(body, []).append((frame, points[:, :3]))
    except IndexError:
        raise error('the file ends too early') from None
    except DatasetError:
        raise
    except ValueError as e:
        raise error(f'not a number where one is expected ({e})') from e
    if frames < 1 or at != len(words):
        raise DatasetError('no frames' if frames < 1 else 'more values than its frames hold',
                           file=path, sequence=path.stem)
    return {body: _spread(blocks, frames) for body, blocks in seen.items()}


def _spread(blocks: List[Tuple[int, np.ndarray]], frames: int) -> np.ndarray:
    out = np.full((frames, _JOINTS, 3), np.nan)
    for frame, points in blocks:
        out[frame] = points
    return out


def _usable(body: np.ndarray) -> np.ndarray:
    """(T,) frames of a body (T, K, 3) in which it is seen and not all zero."""
    return np.isfinite(body).all(axis=(1, 2)) & (body != 0).any(axis=(1, 2))


def rank_bodies(bodies: Sequence[np.ndarray]) -> List[int]:
    """Indices of bodies (T, K, 3), the main actor first.

    Bodies seen in at least half as many frames as the one seen longest come first, by motion: the
    variance of the joints over time. Furniture taken for a body is seen briefly or stands still.
    """
    usable = [body[_usable(body)] for body in bodies]
    most = max((len(body) for body in usable), default=0)
    motion = [float(body.var(axis=0).sum()) if len(body) else -1. for body in usable]
    return sorted(range(len(usable)), key=lambda i: (2 * len(usable[i]) < most, -motion[i], i))


def read_file(path: PathLike, bodies: str = 'main') -> List[SkeletonClip]:
    """The clips of a file.

    Args:
        path: The .skeleton file.
        bodies: ``'main'`` for the main actor's clip alone, named like the file, or ``'all'`` for
            all bodies (`rank_bodies`), named ``FILE_0``, ``FILE_1`` ... with a label `body`.

    Raises:
        DatasetError: See `read_bodies`; or a wrong file name, or no usable body.
    """
    if bodies not in ('main', 'all'):
        raise ValueError(f"bodies must be 'main' or 'all', got {bodies!r}")
    path = Path(path)
    labels = parse_name(path.stem)
    if labels is None:
        raise DatasetError('not named SsssCcccPpppRrrrAaaa.skeleton', file=path)
    found = [body for body in read_bodies(path).values() if _usable(body).any()]
    if not found:
        raise DatasetError('no usable body in any frame; the list of samples with missing '
                           'skeletons names such files', file=path, sequence=path.stem)
    order = rank_bodies(found)
    if bodies == 'main':
        return [_clip(found[order[0]], path, path.stem, labels)]
    return [_clip(found[index], path, f'{path.stem}_{rank}', {**labels, 'body': rank})
            for rank, index in enumerate(order)]


def _clip(body: np.ndarray, path: Path, name: str, labels: Dict[str, int]) -> SkeletonClip:
    return masked_clip(body * 1000, file=path, name=name, layout=LAYOUT, up='+y', fps=FPS,
                       labels=labels)


def read_folder(root: PathLike, bodies: str = 'main', missing: Optional[PathLike] = None,
                progress: bool = False) -> List[SkeletonClip]:
    """All clips below a folder (or of one file), sorted by path.

    Args:
        root: Folder or file.
        bodies: See `read_file`.
        missing: List of samples to leave out; by default those of `MISSING_LISTS` that stand in
            `root`.
        progress: Show a bar.

    Raises:
        DatasetError: The folder holds no file, or one that is not in the list cannot be read.
    """
    files = find_files(root, '*.skeleton')
    lists = [missing] if missing is not None else [Path(root, name) for name in MISSING_LISTS
                                                   if Path(root, name).is_file()]
    skip = read_missing(*lists)
    return read_each([f for f in files if f.stem not in skip], lambda f: read_file(f, bodies),
                     progress, 'NTU RGB+D')
