"""Northwestern-UCLA Multiview Action 3D as packaged in JSON: ``aAA_sSS_eEE_vVV.json``.

Each file holds ``skeletons``, T x 20 x 3 metres of a Kinect v1 (y up, 30 frames a second). Frames
with a joint at zero or a value that is not finite are masked (two files have one). The package
repeats files: the same skeletons stand under several views, see `duplicate_groups`.
"""
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

import numpy as np

from mmviewpose.errors import DatasetError

from .clip import PathLike, SkeletonClip, find_files, masked_clip, read_each, read_text

LAYOUT = 'nucla20'
FPS = 30.
VIEWS = (1, 2, 3)
CROSS_VIEW = {'train': (1, 2), 'test': (3,)}

_NAME = re.compile(r'a(\d+)_s(\d+)_e(\d+)_v(\d+)')


def read_sequence(path: PathLike) -> SkeletonClip:
    """One sequence; labels action, subject, episode and view as in the file name.

    Raises:
        DatasetError: Unreadable, truncated, wrongly named, no frames, a wrong joint count, or no
            usable frame.
    """
    path = Path(path)
    match = _NAME.fullmatch(path.stem)
    if match is None:
        raise DatasetError('not named aAA_sSS_eEE_vVV.json', file=path)
    try:
        data = json.loads(read_text(path))
    except ValueError as e:
        if isinstance(e, DatasetError):
            raise
        raise DatasetError(f'broken or truncated JSON ({e})', file=path) from e
    if not isinstance(data, dict) or not isinstance(data.get('skeletons'), list):
        raise DatasetError("no list 'skeletons'", file=path)
    frames = data['skeletons']
    if not frames:
        raise DatasetError('no frames', file=path, sequence=path.stem)
    positions = _as_array(frames, path)
    labels = dict(zip(('action', 'subject', 'episode', 'view'), map(int, match.groups())))
    return masked_clip(positions * 1000, file=path, name=path.stem, layout=LAYOUT, up='+y',
                       fps=FPS, labels=labels)


def _as_array(frames: list, path: Path) -> np.ndarray:
    try:
        positions = np.array(frames, dtype=np.float64)
    except (ValueError, TypeError):
        positions = np.empty(0)
    if positions.shape[1:] == (20, 3):
        return positions
    for number, frame in enumerate(frames):
        try:
            shape = np.array(frame, dtype=np.float64).shape
        except (ValueError, TypeError):
            shape = 'ragged or not numbers'
        if shape != (20, 3):
            raise DatasetError(f'a frame must be 20 joints x 3 numbers, this one is {shape}',
                               file=path, sequence=path.stem, frame=number)
    raise DatasetError('skeletons must be T x 20 x 3', file=path, sequence=path.stem)


def read_folder(root: PathLike, progress: bool = False) -> List[SkeletonClip]:
    """All sequences below a folder (or one file), sorted by path, with the labels of `mark_copies`.

    Raises:
        DatasetError: The folder holds no sequence, or one cannot be read.
    """
    return mark_copies(read_each(find_files(root, 'a*_s*_e*_v*.json'),
                                 lambda path: [read_sequence(path)], progress, 'N-UCLA'))


def mark_copies(clips: Sequence[SkeletonClip]) -> List[SkeletonClip]:
    """Clips with labels ``also_v1`` .. ``also_v3``: is there another file with these skeletons?

    1 where another file that bears the view holds the very same skeletons, else 0.

    Cross-view without copies: leave ``also_v1`` and ``also_v2`` out of the test list (`unique`), or
    ``also_v3`` out of the training list (`dedup`).
    """
    views: Dict[str, List[int]] = {}
    prints = [fingerprint(clip) for clip in clips]
    for key, clip in zip(prints, clips):
        views.setdefault(key, []).append(clip.labels['view'])
    marked = []
    for key, clip in zip(prints, clips):
        others = list(views[key])
        others.remove(clip.labels['view'])
        marked.append(replace(clip, labels={
            **clip.labels, **{f'also_v{v}': int(v in others) for v in VIEWS}}))
    return marked


def cross_view(clips: Sequence[SkeletonClip], split: str) -> List[SkeletonClip]:
    """The clips of the standard cross-view ``'train'`` (views 1, 2) or ``'test'`` (view 3) list.

    The whole data set gives 1,020 and 464 sequences.
    """
    return [clip for clip in clips if clip.labels['view'] in CROSS_VIEW[split]]


def fingerprint(clip: SkeletonClip) -> str:
    """Hash of a clip's skeletons, whatever its name: equal for copies."""
    return hashlib.sha256(clip.positions.tobytes() + clip.valid.tobytes()).hexdigest()


def duplicate_groups(clips: Sequence[SkeletonClip]) -> List[Tuple[int, ...]]:
    """Groups of indices of clips that hold the same skeletons, in order of their first member."""
    groups: Dict[str, List[int]] = {}
    for index, clip in enumerate(clips):
        groups.setdefault(fingerprint(clip), []).append(index)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def copies_of(clips: Sequence[SkeletonClip], others: Sequence[SkeletonClip]) -> np.ndarray:
    """(len(clips),) bool: whether a clip's skeletons also stand in `others`.

    ``copies_of(test, train)`` marks the test sequences to leave out for the `unique` protocol
    (95 of N-UCLA's 464), ``copies_of(train, test)`` the training sequences to leave out for
    `dedup`.
    """
    known = {fingerprint(clip) for clip in others}
    return np.array([fingerprint(clip) in known for clip in clips], dtype=bool)
