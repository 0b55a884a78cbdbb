"""Datasets over trees of images of a person: DensePose maps or masked depth.

Images are read, cut out and resized when a batch is made, so that worker processes share that
work. Batches are uint8 in [0, 255]; see :class:`~mmviewpose.datasets.person_images.PersonImages`
for what the channels are.
"""
from functools import reduce
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor

from mmviewpose.datasets.datasets.array_dataset import ArrayDataset, check_transforms
from mmviewpose.datasets.datasets.recording_batches import (SAMPLING, Performances, ReadMoments,
                                                            check_sampling, samples_of)
from mmviewpose.datasets.datasets.recording_source import (Rules, Source, check_tree, images_of,
                                                           labels_of, select_recordings)
from mmviewpose.datasets.formats.image_tree import Frames, Recording
from mmviewpose.datasets.person_images import PersonImages
from mmviewpose.errors import DatasetError
from mmviewpose.registry import DATASETS


class RecordingImages:
    """Reads images of recordings into one tensor.

    Args:
        recordings: The recordings.
        frames: Their images.
        images: How to read one.
    """

    def __init__(self, recordings: Sequence[Recording], frames: Sequence[Frames],
                 images: PersonImages) -> None:
        self.names = [recording.name for recording in recordings]
        self.frames, self.images = frames, images

    def __call__(self, rows: Tensor, numbers: Tensor) -> Tensor:
        """Images ``(..., 3, S, S)`` uint8 of the recordings and frames of these numbers ``(...)``.
        """
        size = self.images.image_size
        out = np.empty((rows.numel(), 3, size, size), np.uint8)
        for place, row, number in zip(range(len(out)), rows.flatten().tolist(),
                                      numbers.flatten().tolist()):
            out[place] = self.images(self.frames[row], number, self.names[row])
        return torch.from_numpy(out).unflatten(0, rows.shape)


class _TreeDataset(ArrayDataset):

    @classmethod
    def check_files(cls, cfg: Mapping[str, Any]) -> None:
        """Check that the folder of a dataset config and the files of its transforms are there.

        Raises:
            DatasetError: Names the first that is not.
        """
        check_tree(cfg)
        check_transforms(cfg)


# ---------------------------------------------------------------------------------------
# Moments that several views see


def group_views(recordings: Sequence[Recording], frames: Sequence[Frames], spare_frames: int = 0
                ) -> Performances:
    """Bring together the recordings of each performance.

    Args:
        recordings: In any order; each performance must have all the cameras that any has.
        frames: Images of each.
        spare_frames: How many frames of a performance may be missing in some of its views; they
            are left out.

    Raises:
        DatasetError: A view is missing, its frames are not those of the other views, or a
            performance has fewer than two moments.
    """
    names, clip = np.unique([recording.clip for recording in recordings], return_inverse=True)
    cameras = np.array([recording.labels['camera'] for recording in recordings])
    views, view = np.unique(cameras, return_inverse=True)
    rows = np.full((len(names), len(views)), -1)
    rows[clip.ravel(), view.ravel()] = np.arange(len(recordings))
    for place, column in np.argwhere(rows < 0):
        there = recordings[rows[place].max()]
        raise DatasetError(f'view {views[column]} is missing, which other performances have; there '
                           f'are {views[rows[place] >= 0].tolist()}', file=there.folder.parent,
                           sequence=names[place])
    numbers = [_shared([frames[row] for row in found], views, name, spare_frames)
               for found, name in zip(rows, names)]
    return Performances(names, views, rows, numbers)


def _shared(frames: Sequence[Frames], views: np.ndarray, clip: str, spare_frames: int
            ) -> np.ndarray:
    shared = reduce(np.intersect1d, [view.numbers for view in frames])
    every = reduce(np.union1d, [view.numbers for view in frames])
    if len(every) - len(shared) > spare_frames:
        number = np.setdiff1d(every, shared)[0]
        camera, folder = next((camera, view.folder) for camera, view in zip(views, frames)
                              if number not in view.numbers)
        raise DatasetError(f'views out of step: view {camera} lacks this frame, in all '
                           f'{len(every) - len(shared)} frames are not in all views; '
                           'spare_frames leaves out so many', file=folder, sequence=clip,
                           frame=int(number))
    if len(shared) < 2:
        raise DatasetError('the views share fewer than two frames', file=frames[0].folder,
                           sequence=clip)
    return shared


@DATASETS.register_module()
class ImageMomentDataset(_TreeDataset):
    """Moments that several cameras saw, for learning without labels (F. Sardari et al.,
    "Unsupervised view-invariant human posture representation", 2021, Sec. 3).

    A moment is a frame number that all views of a performance have. Batches have ``images``
    ``(B, V, 3, S, S)`` uint8; in training ``partner``, for each view another frame of the clip
    (Eq. 1); ``camera`` ``(B, V)``, whose images they are; ``clip`` ``(B,)``, number of the
    performance in ``metainfo['clip_names']``; the labels that all views share; and ``index``.

    Args:
        data_root: Folder of the images.
        source: ``'ntu'`` (NTU RGB+D) or ``'qmar'``, or a dict with arguments of its reader, see
            :func:`~mmviewpose.datasets.datasets.recording_source.select_recordings`.
        modality: ``'densepose'`` or ``'depth'``.
        views: Cameras to take; by default all that ``select`` and ``drop`` leave.
        num_views: V, how many of them a sample has.
        select, drop: Which recordings, as above; ``select=dict(xview60=[1])`` is a training list.
        stride: Of a clip's moments every how many-th is a sample.
        spare_frames: How many frames of a performance may be missing in some of its views; they
            are left out and counted in the log.
        training: Draw partners and, of more views, V at random; otherwise the views are the first.
        image_size, crop, allow_empty: See
            :class:`~mmviewpose.datasets.person_images.PersonImages`.
        pipeline: Transforms of batches.

    Raises:
        DatasetError: The tree is missing or broken, views are missing or out of step, or nothing
            is left; and, when a batch is made, an image is broken.
        ValueError: ``stride`` or ``num_views`` is below 1.
    """

    def __init__(self, data_root: str, source: Source = 'ntu', modality: str = 'densepose',
                 views: Optional[Sequence[int]] = None, num_views: int = 2, select: Rules = None,
                 drop: Rules = None, stride: int = 1, spare_frames: int = 0,
                 training: bool = True, image_size: int = 128, crop: int = 512,
                 allow_empty: bool = False, pipeline: Sequence = ()) -> None:
        if min(stride, num_views) < 1:
            raise ValueError(f'stride and num_views must be positive, got {stride}, {num_views}')
        images = PersonImages(modality, image_size, crop, allow_empty)
        recordings = select_recordings(data_root, source, views, select, drop)
        frames = images_of(recordings, modality)
        found = group_views(recordings, frames, spare_frames)
        if len(found.views) < num_views:
            raise DatasetError(f'num_views is {num_views}, but the selection has only the views '
                               f'{found.views.tolist()}', file=data_root)
        _log_moments(data_root, found, frames)
        labels, words = _labels_of_clips(recordings, found)
        places = [np.arange(0, len(numbers), stride) for numbers in found.numbers]
        clip = np.repeat(np.arange(len(places)), [len(place) for place in places])
        reading = ReadMoments(RecordingImages(recordings, frames, images), found, labels,
                              num_views, training)
        super().__init__(dict(clip=clip, position=np.concatenate(places)),
                         pipeline=[reading, *pipeline],
                         metainfo=dict(modality=modality, clip_names=found.names.tolist(),
                                       label_names=words))


def _log_moments(data_root: str, found: Performances, frames: Sequence[Frames]) -> None:
    moments = sum(len(numbers) for numbers in found.numbers)
    spare = sum(len(view.numbers) for view in frames) - moments * len(found.views)
    print_log(f'{data_root}: {moments} moments of {len(found.names)} performances, seen by the '
              f'cameras {found.views.tolist()}; {spare} images left out whose moment not all '
              'views have', 'current')


def _labels_of_clips(recordings: Sequence[Recording], found: Performances
                     ) -> Tuple[Dict[str, np.ndarray], Dict[str, List[str]]]:
    """The labels that all views of every performance share, ``(C,)``."""
    labels, words = labels_of(recordings)
    shared = {key: value[found.rows[:, 0]] for key, value in labels.items()
              if (value[found.rows] == value[found.rows[:, :1]]).all() and key != 'camera'}
    return shared, {key: value for key, value in words.items() if key in shared}


# ---------------------------------------------------------------------------------------
# Recordings of one camera


@DATASETS.register_module()
class ImageSequenceDataset(_TreeDataset):
    """Recordings of one camera with their class, for what is learnt on top of a pose encoder
    (F. Sardari et al., 2021, Sec. 4).

    Batches have ``frames`` ``(B, T, 3, S, S)`` uint8; ``label`` ``(B,)``, the action from 0 or the
    score from the movement's lowest; ``sequence``, number of the recording in
    ``metainfo['sequence_names']``; ``clip``, number of the performance; ``part``, number of the
    clip of T frames in the recording, 0 for segments; the recordings' labels (NTU: camera,
    subject, action ...; QMAR: camera, subject, movement, score ...); and ``index``.
    ``metainfo['num_classes']`` is the number of classes.

    Args:
        data_root, source, modality, views, select, drop: As for :class:`ImageMomentDataset`.
        num_frames: T.
        sampling: ``'segments'``: a frame of each of T equal segments (actions). ``'clips'``: T
            consecutive frames (scores): in training a random one of the clips without overlap that
            a recording gives, otherwise all of them, a sample each, to average over ``sequence``.
        training: Draw frames or clips at random.
        image_size, crop, allow_empty: See
            :class:`~mmviewpose.datasets.person_images.PersonImages`.
        pipeline: Transforms of batches.

    Raises:
        DatasetError: The tree is missing or broken, nothing is left, or a recording is shorter
            than a clip; and, when a batch is made, an image is broken.
        ValueError: Unknown ``sampling``, or ``num_frames`` is below 1.
    """

    def __init__(self, data_root: str, source: Source = 'ntu', modality: str = 'densepose',
                 views: Optional[Sequence[int]] = None, num_frames: int = 16,
                 sampling: str = 'segments', select: Rules = None, drop: Rules = None,
                 training: bool = True, image_size: int = 128, crop: int = 512,
                 allow_empty: bool = False, pipeline: Sequence = ()) -> None:
        check_sampling(sampling, num_frames)
        images = PersonImages(modality, image_size, crop, allow_empty)
        recordings = select_recordings(data_root, source, views, select, drop)
        frames = images_of(recordings, modality)
        numbers, names = [found.numbers for found in frames], [one.name for one in recordings]
        samples = samples_of(numbers, num_frames, sampling, training, names,
                             [recording.folder for recording in recordings])
        labels, words = labels_of(recordings)
        labels.update(label=np.array([recording.label for recording in recordings]),
                      clip=np.unique([recording.clip for recording in recordings],
                                     return_inverse=True)[1].ravel())
        arrays = {key: value[samples['sequence']] for key, value in labels.items()}
        reading = SAMPLING[sampling](RecordingImages(recordings, frames, images), numbers,
                                     num_frames, training)
        super().__init__({**arrays, **samples}, pipeline=[reading, *pipeline], metainfo=dict(
            modality=modality, label_names=words,
            num_classes=max(recording.num_classes for recording in recordings),
            sequence_names=names))
