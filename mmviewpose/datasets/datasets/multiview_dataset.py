"""Datasets of windows of performances that several cameras saw at the same moments.

A sample is one camera's view of a window of a performance (a clip); the views of a window follow
each other. Batches have

==================  ==================  =======================================================
``keypoints_2d``    ``(B, T, K, 2)``    image points in px, x right, y down
``scores``          ``(B, T, K)``       confidences in [0, 1]; 0: not seen, the point is then 0
``keypoints``       ``(B, T, K, 3)``    mm; where it stands, not relative to the root; 0 without 3D
``has_3d``          ``(B,)`` bool       whether there is 3D
``frame_mask``      ``(B, T)`` bool     False for frames after the clip's end, which repeat its
                                        last, and for frames of which nothing was seen
``intrinsics``      ``(B, 4)``          fx, fy, cx, cy in px; NaN where not known
``image_size``      ``(B, 2)``          width and height in px
``fps``             ``(B,)``            frames per second
``clip``, ``view``  ``(B,)``            number of the performance and of the camera's name
``window``          ``(B,)``            number of the window: the same for all its views
``start``           ``(B,)``            the window's first frame in the clip
``index``           ``(B,)``            number of the sample
==================  ==================  =======================================================

and the labels that all sources have, as whole numbers; words are numbered in their alphabetical
order, which ``metainfo['label_names']`` gives, beside ``clip_names``, ``view_names`` and
``skeleton``.
"""
import logging
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor

from mmviewpose.datasets.datasets.archive_source import (Selection, Sources, SourcesDataset,
                                                         chosen_frames, select_motion,
                                                         select_views, shared_labels)
from mmviewpose.datasets.datasets.array_dataset import Batch
from mmviewpose.datasets.formats.archive import Archive
from mmviewpose.errors import DatasetError
from mmviewpose.registry import DATASETS
from mmviewpose.skeletons import remap


class Windows(NamedTuple):
    """N windows of clips.

    Attributes:
        clip: ``(N,)`` number of the clip.
        start: ``(N,)`` first frame in the clip.
        length: ``(N,)`` frames that the clip has there, at most the window's.
    """
    clip: np.ndarray
    start: np.ndarray
    length: np.ndarray


def cut_windows(lengths: np.ndarray, num_frames: int, stride: int, keep_tail: bool) -> Windows:
    """Windows of ``num_frames`` frames of clips, at every ``stride``-th frame.

    A clip that is shorter is one window; so, with ``keep_tail``, is what is left at the end of a
    longer one.

    Args:
        lengths: ``(C,)`` frames of each clip.

    Raises:
        ValueError: ``num_frames`` or ``stride`` is below 1.
    """
    if min(num_frames, stride) < 1:
        raise ValueError(f'num_frames and stride must be positive, got {num_frames}, {stride}')
    count = np.maximum(lengths - num_frames, 0) // stride + 1
    if keep_tail:
        covered = (count - 1) * stride + num_frames
        count = count + ((covered < lengths) & (count * stride < lengths))
    clip, place = _repeated(count)
    start = place * stride
    return Windows(clip, start, np.minimum(num_frames, lengths[clip] - start))


def _repeated(count: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Each number n ``count[n]`` times, and which time it is."""
    number = np.repeat(np.arange(len(count)), count)
    return number, np.arange(len(number)) - np.repeat(np.cumsum(count) - count, count)


class GatherWindows:
    """Cut the windows of a batch out of arrays of frames, without a loop over samples.

    Args:
        frames: Arrays of points ``(F, K, D)`` or of others ``(F, ...)``; ``seen`` ``(F,)`` is
            whether a frame holds anything.
        num_frames: T.
    """

    def __init__(self, frames: Mapping[str, Tensor], num_frames: int) -> None:
        self.points = {key: value.movedim(-1, 0).contiguous() for key, value in frames.items()
                       if value.dim() == 3}
        self.others = {key: value for key, value in frames.items() if value.dim() < 3}
        self.step = torch.arange(num_frames)

    def __call__(self, batch: Batch) -> Batch:
        """``first`` and ``length`` ``(B,)`` give way to windows ``(B, T, ...)``; points are
        :mod:`~mmviewpose.datasets.planar`."""
        first, length = batch.pop('first')[:, None], batch.pop('length')[:, None]
        rows = first + torch.minimum(self.step, length - 1)
        for key, value in self.points.items():
            found = value.index_select(1, rows.flatten()).unflatten(1, rows.shape)
            batch[key] = found.movedim(0, -1)
        for key, value in self.others.items():
            batch[key] = value.index_select(0, rows.flatten()).unflatten(0, rows.shape)
        batch['frame_mask'] = batch.pop('seen') & (self.step < length)
        return batch


class WindowDataset(SourcesDataset):
    """Windows of sequences of frames; see the top of this file for what a batch holds.

    Frames stay where they are and windows are cut out at each fetch, unless there is a
    ``prepare``: what it draws belongs to a window, so that all windows are then cut at once.

    Args:
        frames: Arrays ``(F, ...)`` of all sequences one after the other.
        sequences: Facts of each sequence, ``(S,)``; ``first`` is where its frames begin.
        sequence: ``(N,)`` number of the sequence of each sample.
        windows: Of each sample.
        window, view: ``(N,)`` numbers of the window and of the camera of each sample.
        num_frames: T.
        metainfo: As at the top of this file.
        pipeline, prepare, prepare_seed: As for :class:`ArrayDataset`.
    """

    def __init__(self, frames: Mapping[str, np.ndarray], sequences: Mapping[str, np.ndarray],
                 sequence: np.ndarray, windows: Windows, window: np.ndarray, view: np.ndarray,
                 num_frames: int, metainfo: dict, pipeline: Sequence = (),
                 prepare: Sequence = (), prepare_seed: int = 0) -> None:
        arrays = {key: value[sequence] for key, value in sequences.items()}
        arrays.update(first=arrays['first'] + windows.start, length=windows.length,
                      clip=windows.clip, start=windows.start, window=window, view=view)
        gather = GatherWindows({key: torch.as_tensor(value) for key, value in frames.items()},
                               num_frames)
        stages: List[List[Callable]] = [list(prepare), list(pipeline)]
        stages[0 if prepare else 1].insert(0, gather)
        super().__init__(arrays, prepare=stages[0], pipeline=stages[1],
                         prepare_seed=prepare_seed, metainfo=metainfo)

    @property
    def view_names(self) -> List[str]:
        """Names of the cameras: the columns of :meth:`view_groups`."""
        return self.metainfo['view_names']

    def view_groups(self) -> Tensor:
        """Which samples are the views of each window: ``(G, C)``, a column a camera, -1 where the
        window was not seen by it."""
        window, view = self.arrays['window'], self.arrays['view']
        groups = torch.full((int(window.max()) + 1, len(self.view_names)), -1)
        groups[window, view] = torch.arange(len(self))
        return groups


# ---------------------------------------------------------------------------------------
# Recordings of several cameras


@DATASETS.register_module()
class MultiviewClipDataset(WindowDataset):
    """Windows of archives of views (``tools/dataset_converters/views.py`` and
    ``multiview_keypoints.py``).

    ``keypoints`` are in the camera's axes: x right, y down, z forward. A view in which nothing is
    ever seen (all scores 0) is masked throughout, and named in a warning.

    Args:
        sources: What to take of which archive, see
            :func:`~mmviewpose.datasets.datasets.archive_source.select_views`. A source with
            ``use_3d=False`` hides the 3D that it has (semi-supervised training).
        data_root: Folder that the archives are relative to.
        skeleton: Layout that the archives must have.
        num_frames: T.
        stride: From one window of a clip to the next; by default T.
        keep_tail: Also take, padded, what is left at the end of a clip; in a test every frame
            then counts, and with the default stride once.
        **array: ``pipeline``, ``prepare``, ``prepare_seed`` of :class:`ArrayDataset`.

    Raises:
        DatasetError: A file is missing or broken, or nothing is left.
    """

    def __init__(self, sources: Sources, data_root: str = '', skeleton: str = 'h36m17',
                 num_frames: int = 27, stride: Optional[int] = None, keep_tail: bool = False,
                 **array) -> None:
        if not sources:
            raise DatasetError('no sources')
        selections = [select_views(source, data_root, skeleton) for source in sources]
        visible = [source.get('use_3d', True) for source in sources]
        frames = _frames_of_views(selections, visible)
        sequences, words = _facts_of_views(selections, visible)
        clip, clip_names = _number_clips(selections)
        view_names, view = np.unique(_column(selections, 'views'), return_inverse=True)
        _warn_of_unseen(frames['seen'], sequences['first'],
                        [f'{clip_names[c]} ({view_names[v]})' for c, v in zip(clip, view)])

        first_row = np.flatnonzero(np.r_[True, np.diff(clip) > 0])
        lengths = _column(selections, 'lengths')
        windows = cut_windows(lengths[first_row], num_frames, stride or num_frames, keep_tail)
        views = np.bincount(clip)[windows.clip]
        window, place = _repeated(views)
        sequence = first_row[windows.clip[window]] + place
        super().__init__(
            frames, sequences, sequence, Windows(*(value[window] for value in windows)), window,
            view[sequence], num_frames,
            dict(skeleton=skeleton, clip_names=clip_names, view_names=view_names.tolist(),
                 label_names=words), **array)


def _column(selections: Sequence[Selection], key: str) -> np.ndarray:
    """A fact ``(S,)`` of the sequences of all selections."""
    return np.concatenate([getattr(archive, key)[rows] for archive, rows in selections])


def _frames_of_views(selections: Sequence[Selection], visible: Sequence[bool]
                     ) -> Dict[str, np.ndarray]:
    parts: Dict[str, List[np.ndarray]] = dict(keypoints_2d=[], scores=[], keypoints=[])
    for (archive, rows), use_3d in zip(selections, visible):
        chosen = chosen_frames(Selection(archive, rows))
        labelled = np.repeat(archive.labelled, archive.lengths)[chosen] & use_3d
        parts['keypoints_2d'].append(archive.keypoints[chosen])
        parts['scores'].append(archive.scores[chosen])
        positions = archive.positions[chosen]
        positions[~labelled] = 0
        parts['keypoints'].append(positions)
    frames = {key: np.concatenate(value) for key, value in parts.items()}
    return dict(frames, seen=(frames['scores'] > 0).any(-1))


def _warn_of_unseen(seen: np.ndarray, first: np.ndarray, names: Sequence[str]) -> None:
    """Name the sequences without a frame that was seen."""
    never = [names[row] for row in np.flatnonzero(~np.logical_or.reduceat(seen, first))]
    if never:
        more = f' and {len(never) - 3} more' if len(never) > 3 else ''
        print_log(f'nothing was seen (all scores are 0), masked: {", ".join(never[:3])}{more}',
                  'current', logging.WARNING)


def _facts_of_views(selections: Sequence[Selection], visible: Sequence[bool]
                    ) -> Tuple[Dict[str, np.ndarray], Dict[str, List[str]]]:
    labels, words = shared_labels([
        {key: value[rows] for key, value in archive.labels.items()}
        for archive, rows in selections])
    lengths = _column(selections, 'lengths')
    has_3d = [archive.labelled[rows] & use_3d
              for (archive, rows), use_3d in zip(selections, visible)]
    return dict(labels, first=np.cumsum(lengths) - lengths, has_3d=np.concatenate(has_3d),
                fps=_column(selections, 'fps').astype(np.float32),
                intrinsics=_column(selections, 'intrinsics').astype(np.float32),
                image_size=_column(selections, 'image_sizes').astype(np.float32)), words


def _number_clips(selections: Sequence[Selection]) -> Tuple[np.ndarray, List[str]]:
    """Number of the clip of each sequence, ``(S,)``, and the clips' names."""
    numbers, names = [], []
    for archive, rows in selections:
        clips = archive.clips[rows]
        begins = np.r_[True, clips[1:] != clips[:-1]]
        numbers.append(np.cumsum(begins) - 1 + len(names))
        names += clips[begins].tolist()
    return np.concatenate(numbers), names


# ---------------------------------------------------------------------------------------
# Motion capture


@DATASETS.register_module()
class MocapViewDataset(WindowDataset):
    """Windows of motion capture, each to be seen by several cameras: put ``ProjectViews`` and, for
    what a detector makes of it, ``DetectionNoise`` first in the pipeline, or for a test set in
    ``prepare``.

    ``keypoints`` are in the world, y up, in mm, where they were recorded; ``scores`` are 1, and 0
    in frames that a reader masked, which repeat the nearest good one. ``keypoints_2d``,
    ``intrinsics`` and ``image_size`` come with ``ProjectViews``.

    Args:
        sources: What to take of which archive of clips
            (``tools/dataset_converters/skeletons.py``), see
            :func:`~mmviewpose.datasets.datasets.archive_source.select_sequences`. With
            ``use_3d=False`` in a source, its ``has_3d`` is False: losses do not look at its 3D.
        data_root: Folder that the archives are relative to.
        skeleton: Layout of the batches; archives in another one are mapped to it.
        num_views: V, how many cameras see each window.
        num_synthetic: Clips of the built-in synthetic people to add.
        synthetic_frames: Frames of each of them, at 30 Hz.
        synthetic_seed: Another seed gives other people and motions.
        num_frames, stride, keep_tail, **array: As for :class:`MultiviewClipDataset`.

    Raises:
        DatasetError: A file is missing or broken, or nothing is left.
    """

    def __init__(self, sources: Sources = (), data_root: str = '', skeleton: str = 'h36m17',
                 num_views: int = 2, num_synthetic: int = 0, synthetic_frames: int = 243,
                 synthetic_seed: int = 0, num_frames: int = 27, stride: Optional[int] = None,
                 keep_tail: bool = False, **array) -> None:
        selections = select_motion(
            sources, data_root, None, 'use_3d', num_synthetic=num_synthetic,
            synthetic_frames=synthetic_frames, synthetic_seed=synthetic_seed)
        visible = [source.get('use_3d', True) for source in sources] + [True] * bool(num_synthetic)
        labels, words = shared_labels([
            {key: value[rows] for key, value in archive.labels.items()}
            for archive, rows in selections])
        lengths = _column(selections, 'lengths')
        windows = cut_windows(lengths, num_frames, stride or num_frames, keep_tail)
        window, view = _repeated(np.full(len(windows.clip), num_views))
        windows = Windows(*(value[window] for value in windows))
        sequences = dict(labels, first=np.cumsum(lengths) - lengths,
                         fps=_column(selections, 'fps').astype(np.float32),
                         has_3d=np.repeat(visible, [len(rows) for _, rows in selections]))
        super().__init__(
            _frames_of_mocap(selections, skeleton), sequences, windows.clip, windows, window,
            view, num_frames,
            dict(skeleton=skeleton, clip_names=_column(selections, 'names').tolist(),
                 view_names=[str(number) for number in range(num_views)], label_names=words),
            **array)


@DATASETS.register_module()
class SyntheticViewDataset(MocapViewDataset):
    """Windows of the built-in synthetic people, for trying a method without a download.

    Args:
        num_clips: How many performances.
        **mocap: Further arguments of :class:`MocapViewDataset`.
    """

    def __init__(self, num_clips: int = 240, **mocap) -> None:
        super().__init__(num_synthetic=num_clips, **mocap)


def _frames_of_mocap(selections: Sequence[Selection], skeleton: str) -> Dict[str, np.ndarray]:
    positions, seen = [], []
    for archive, rows in selections:
        chosen = chosen_frames(Selection(archive, rows))
        filled = archive.positions[_nearest_valid(archive)[chosen]]
        positions.append(remap(filled, archive.layout, skeleton))
        seen.append(archive.valid[chosen])
    keypoints, valid = np.concatenate(positions), np.concatenate(seen)
    scores = np.repeat(valid[:, None], keypoints.shape[1], 1).astype(np.float32)
    return dict(keypoints=keypoints, scores=scores, seen=valid)


def _nearest_valid(archive: Archive) -> np.ndarray:
    """For each frame the number of the nearest valid frame of its clip; its own where there is
    none."""
    number = np.arange(len(archive.positions))
    clip = np.repeat(np.arange(len(archive)), archive.lengths)
    good = np.flatnonzero(archive.valid)
    if len(good) == len(number) or not len(good):
        return number
    after = np.searchsorted(good, number).clip(0, len(good) - 1)
    candidates = np.stack([good[np.maximum(after - 1, 0)], good[after]])
    distance = np.where(clip[candidates] == clip, np.abs(candidates - number), len(number))
    nearest = np.take_along_axis(candidates, distance.argmin(0)[None], 0)[0]
    return np.where(distance.min(0) < len(number), nearest, number)
