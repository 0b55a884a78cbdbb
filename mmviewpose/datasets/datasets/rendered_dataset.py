"""Datasets of rendered films of motion capture or of the built-in people, by several cameras in
step: the image methods' data where nothing was downloaded.

The films are made when a dataset is built and stay in memory, in uint8. What batches hold is as
for :mod:`~mmviewpose.datasets.datasets.image_dataset`; cameras are numbered from 1.
"""
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor

from mmviewpose.datasets.datasets.archive_source import (Selection, Sources, SourcesDataset,
                                                         label_of, select_motion, shared_labels)
from mmviewpose.datasets.datasets.array_dataset import BatchCompose
from mmviewpose.datasets.datasets.recording_batches import (SAMPLING, Performances, ReadMoments,
                                                            check_sampling, samples_of)
from mmviewpose.datasets.filming import Film
from mmviewpose.datasets.formats.archive import from_clips
from mmviewpose.datasets.synthetic.impairment import impair
from mmviewpose.errors import DatasetError
from mmviewpose.registry import DATASETS


class FilmImages:
    """Images of recordings in memory; recording ``v * C + c`` is camera v's of clip c.

    Args:
        images: ``(V, F, ...)`` of the frames of all clips one after the other, or what was made of
            them.
        lengths: Frames of each clip, ``(C,)``.
    """

    def __init__(self, images: Tensor, lengths: np.ndarray) -> None:
        self.frames = images.flatten(0, 1)
        first = np.cumsum(lengths) - lengths
        views = images.shape[1] * np.arange(len(images))
        self.first = torch.as_tensor((views[:, None] + first).ravel())

    def __call__(self, rows: Tensor, numbers: Tensor) -> Tensor:
        """The images ``(..., 3, S, S)`` of recordings and frames of these numbers ``(...)``."""
        found = self.frames.index_select(0, (self.first[rows] + numbers).flatten())
        return found.unflatten(0, rows.shape)


class Filmed(NamedTuple):
    """C clips seen by V cameras.

    Attributes:
        images: ``(V, F, 3, S, S)`` uint8.
        lengths: Frames of each clip, ``(C,)``.
        names: Of the clips, ``(C,)``.
        labels: Of the clips, ``(C,)`` whole numbers.
        words: What some labels stand for.
        cameras: ``(V,)`` numbers of the cameras, from 1.
    """
    images: Tensor
    lengths: np.ndarray
    names: np.ndarray
    labels: Dict[str, np.ndarray]
    words: Dict[str, List[str]]
    cameras: np.ndarray


def film_clips(selections: Sequence[Selection], film: Mapping[str, Any],
               cameras: Optional[Sequence[int]], copies: int = 1,
               people: Optional[Sequence[np.ndarray]] = None) -> Filmed:
    """Film what was selected.

    Args:
        selections: Of archives.
        film: Arguments of :class:`~mmviewpose.datasets.filming.Film`.
        cameras: Numbers, from 1; all by default.
        copies: How often each clip is filmed; people and the cameras' places differ.
        people: Seeds of the people in the clips of each selection, the same in all copies; by
            default they are drawn.

    Raises:
        DatasetError: There is no such camera, or a clip has no valid frame.
    """
    crews = [Film(**dict(film, seed=film.get('seed', 0) + 1000 * copy)) for copy in range(copies)]
    there = range(1, crews[0].num_views + 1)
    cameras = list(there) if cameras is None else list(cameras)
    if not cameras or set(cameras) - set(there):
        raise DatasetError(f'views must be some of {list(there)}, got {cameras}')
    made = [crew(archive, rows, [camera - 1 for camera in cameras], who)
            for crew in crews
            for (archive, rows), who in zip(selections, people or [None] * len(selections))]
    labels, words = shared_labels([
        {key: value[rows] for key, value in archive.labels.items()}
        for archive, rows in selections])
    names = np.tile(np.concatenate([archive.names[rows] for archive, rows in selections]), copies)
    lengths = np.concatenate([lengths for _, lengths in made])
    for row in np.flatnonzero(lengths == 0):
        raise DatasetError('no frame is valid', sequence=names[row])
    return Filmed(torch.cat([images for images, _ in made], 1), lengths, names,
                  {key: np.tile(value, copies) for key, value in labels.items()}, words,
                  np.array(cameras))


@DATASETS.register_module()
class RenderedMomentDataset(SourcesDataset):
    """Moments that several cameras saw, rendered; see
    :class:`~mmviewpose.datasets.datasets.image_dataset.ImageMomentDataset` for what a batch holds.

    Args:
        sources: What to take of which archive of clips, see
            :func:`~mmviewpose.datasets.datasets.archive_source.select_sequences`.
        data_root: Folder that the archives are relative to.
        skeleton: Layout that the archives must have; None for any.
        film: Arguments of :class:`~mmviewpose.datasets.filming.Film`.
        views: Cameras to take, from 1; all by default.
        num_views: V, how many of them a sample has.
        training: Draw partners and, of more views, V at random.
        copies: How often each clip is filmed, by other people and from somewhat other places.
        num_synthetic, synthetic_frames, synthetic_seed: Clips of the built-in people, see
            :func:`~mmviewpose.datasets.datasets.archive_source.select_motion`.
        pipeline: Transforms of batches.

    Raises:
        DatasetError: A file is missing or broken, nothing is left, fewer cameras than views, or a
            clip of one frame.
    """

    def __init__(self, sources: Sources = (), data_root: str = '', skeleton: Optional[str] = None,
                 film: Optional[Mapping[str, Any]] = None, views: Optional[Sequence[int]] = None,
                 num_views: int = 2, training: bool = True, copies: int = 1,
                 num_synthetic: int = 0, synthetic_frames: int = 60, synthetic_seed: int = 0,
                 pipeline: Sequence = ()) -> None:
        selections = select_motion(
            sources, data_root, skeleton, num_synthetic=num_synthetic,
            synthetic_frames=synthetic_frames, synthetic_seed=synthetic_seed)
        seen = film_clips(selections, film or {}, views, copies)
        if not 1 <= num_views <= len(seen.cameras):
            raise DatasetError(f'num_views is {num_views}, but there are the views '
                               f'{seen.cameras.tolist()}')
        clips = len(seen.lengths)
        for row in np.flatnonzero(seen.lengths < 2):
            raise DatasetError('a clip of one frame has no other frame for a partner',
                               sequence=seen.names[row])
        rows = np.arange(len(seen.cameras)) * clips + np.arange(clips)[:, None]
        numbers = [np.arange(length) for length in seen.lengths]
        reading = ReadMoments(
            FilmImages(seen.images, seen.lengths),
            Performances(seen.names, seen.cameras, rows, numbers), seen.labels, num_views,
            training)
        super().__init__(
            dict(clip=np.repeat(np.arange(clips), seen.lengths), position=np.concatenate(numbers)),
            pipeline=[reading, *pipeline],
            metainfo=dict(clip_names=seen.names.tolist(), label_names=seen.words))


@DATASETS.register_module()
class RenderedSequenceDataset(SourcesDataset):
    """Recordings of one camera with their class, rendered; see
    :class:`~mmviewpose.datasets.datasets.image_dataset.ImageSequenceDataset` for what a batch
    holds.

    Args:
        sources, data_root, skeleton, film, views: As for :class:`RenderedMomentDataset`.
        num_frames: T.
        sampling: ``'segments'`` or ``'clips'``, as for ``ImageSequenceDataset``.
        training: Draw frames or clips at random.
        class_label: Label of the archives that is the class.
        impairment: Arguments of :func:`~mmviewpose.datasets.synthetic.impairment.impair`: every
            clip is there in each grade of it, label ``score``.
        skip_short: Leave out recordings that are shorter than a clip, and count them in the log.
        encode: Transform that is applied once to ``frames`` ``(V F, 3, S, S)``, such as
            ``EncodeImages``; batches then have what it makes of the frames.
        copies, num_synthetic, synthetic_frames, synthetic_seed, pipeline: As for
            :class:`RenderedMomentDataset`.

    Raises:
        DatasetError: A file is missing or broken, nothing is left, or a recording is shorter than
            a clip.
        ValueError: Unknown ``sampling``, or ``num_frames`` is below 1.
    """

    def __init__(self, sources: Sources = (), data_root: str = '', skeleton: Optional[str] = None,
                 film: Optional[Mapping[str, Any]] = None, views: Optional[Sequence[int]] = None,
                 num_frames: int = 16, sampling: str = 'segments', training: bool = True,
                 class_label: str = 'action', impairment: Optional[Mapping[str, Any]] = None,
                 skip_short: bool = False, encode: Optional[dict] = None, copies: int = 1,
                 num_synthetic: int = 0, synthetic_frames: int = 60, synthetic_seed: int = 0,
                 pipeline: Sequence = ()) -> None:
        check_sampling(sampling, num_frames)
        film = film or {}
        selections = select_motion(
            sources, data_root, skeleton, num_synthetic=num_synthetic,
            synthetic_frames=synthetic_frames, synthetic_seed=synthetic_seed)
        if impairment is not None:
            selections = [_impaired(selection, impairment) for selection in selections]
        if skip_short:
            selections = _long_enough(selections, num_frames, film.get('stride', 1))
        classes, label = _classes(selections, class_label)
        seen = film_clips(selections, film, views, copies)
        images = seen.images
        if encode is not None:
            images = BatchCompose([encode])(dict(frames=images.flatten(0, 1)))['frames']
            images = images.unflatten(0, seen.images.shape[:2])
        clips, cameras = len(seen.lengths), len(seen.cameras)
        numbers = [np.arange(length) for length in seen.lengths] * cameras
        names = [f'{name} (camera {camera})' for camera in seen.cameras for name in seen.names]
        samples = samples_of(numbers, num_frames, sampling, training, names)
        facts = dict({key: np.tile(value, cameras) for key, value in seen.labels.items()},
                     label=np.tile(label, copies * cameras),
                     clip=np.tile(np.arange(clips), cameras),
                     camera=np.repeat(seen.cameras, clips))
        arrays = {key: value[samples['sequence']] for key, value in facts.items()}
        reading = SAMPLING[sampling](FilmImages(images, seen.lengths), numbers, num_frames,
                                     training)
        super().__init__({**arrays, **samples}, pipeline=[reading, *pipeline], metainfo=dict(
            classes=classes.tolist(), num_classes=len(classes), sequence_names=names,
            label_names=seen.words))


def _impaired(selection: Selection, options: Mapping[str, Any]) -> Selection:
    archive, rows = selection
    made = from_clips(impair([archive.clip(row) for row in rows], **options))
    return Selection(made, np.arange(len(made)))


def _long_enough(selections: Sequence[Selection], num_frames: int, stride: int
                 ) -> List[Selection]:
    """The clips that have as many frames, every ``stride``-th valid one counted."""
    kept = []
    for archive, rows in selections:
        valid = np.add.reduceat(archive.valid, archive.starts)[rows]
        kept.append(Selection(archive, rows[-(-valid // stride) >= num_frames]))
    before, after = (sum(len(rows) for _, rows in some) for some in (selections, kept))
    print_log(f'{before - after} of {before} clips left out that are shorter than {num_frames} '
              'frames', 'current')
    if not after:
        raise DatasetError(f'no clip has {num_frames} frames')
    return [selection for selection in kept if len(selection.rows)]


def _classes(selections: Sequence[Selection], label: str) -> Tuple[np.ndarray, np.ndarray]:
    """The classes of all archives, also of what was not selected, so that training and test count
    alike; and the class of each selected clip from 0."""
    classes = np.unique(np.concatenate([label_of(archive, label) for archive, _ in selections]))
    chosen = np.concatenate([label_of(archive, label)[rows] for archive, rows in selections])
    return classes, np.searchsorted(classes, chosen)
