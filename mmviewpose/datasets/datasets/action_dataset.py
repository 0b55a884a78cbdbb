"""Datasets whose sample is a labelled sequence of poses."""
from typing import Any, Mapping, Optional, Sequence

import numpy as np

from mmviewpose.datasets.datasets.archive_source import (Selection, check_sources, label_of,
                                                         numeric, select_sequences)
from mmviewpose.datasets.datasets.array_dataset import ArrayDataset, check_transforms
from mmviewpose.datasets.formats.archive import Archive
from mmviewpose.errors import DatasetError
from mmviewpose.registry import DATASETS


@DATASETS.register_module()
class ActionDataset(ArrayDataset):
    """Action sequences of an archive, resampled to one length so that they form an array.

    ``keypoints`` ``(T, K, 3)`` in mm, y up, in place (not centred), ``label`` counted from 0 over
    the classes of the whole archive, and the archive's numeric labels. Masked frames are
    interpolated over. Archives with a clip for every body of a recording (NTU RGB+D, label
    ``body``: 0 is the main actor) give a sample a recording; with ``num_people`` above 1 the key
    points are ``(M, T, K, 3)``, all zeros where there is no further person.

    Args:
        ann_file: Archive file.
        data_root: Folder that it is relative to.
        skeleton: Layout that the archive must have.
        num_frames: T; longer sequences lose frames, shorter ones are interpolated.
        select, drop, fold: Which sequences, see
            :func:`~mmviewpose.datasets.datasets.archive_source.select_sequences`.
        action_label: Label that is the class.
        num_people: M, how many bodies of a recording to take.
        copies: How often each sequence appears; random transforms in ``prepare`` make the copies
            differ.
        **array: ``pipeline``, ``prepare``, ``prepare_seed`` of :class:`ArrayDataset`.

    Raises:
        DatasetError: A file is missing or broken, or nothing is left.
    """

    def __init__(self, ann_file: str, data_root: str = '', skeleton: str = 'ape17',
                 num_frames: int = 64, select: Optional[Mapping[str, Sequence]] = None,
                 drop: Optional[Mapping[str, Sequence]] = None, fold: Optional[Mapping] = None,
                 action_label: str = 'action', num_people: int = 1, copies: int = 1,
                 **array) -> None:
        source = dict(ann_file=ann_file, select=select, drop=drop, fold=fold)
        selection = select_sequences(source, data_root, skeleton)
        archive, people = selection.archive, people_of(selection, num_people)
        classes = np.unique(label_of(archive, action_label))
        people = np.tile(people, (copies, 1))
        main = people[:, 0]
        arrays = {key: value[main] for key, value in numeric(archive.labels).items()}
        arrays['label'] = np.searchsorted(classes, label_of(archive, action_label)[main])
        keypoints = resampled(archive, people, num_frames)
        arrays['keypoints'] = keypoints if num_people > 1 else keypoints[:, 0]
        super().__init__(arrays, metainfo=dict(skeleton=skeleton, classes=classes.tolist()),
                         **array)

    @classmethod
    def check_files(cls, cfg: Mapping[str, Any]) -> None:
        """Check that the files of a dataset config and of its transforms are there.

        Raises:
            DatasetError: Names the first that is not.
        """
        check_sources([cfg], cfg.get('data_root', ''))
        check_transforms(cfg)


def people_of(selection: Selection, num_people: int) -> np.ndarray:
    """The sequences of each recording of a selection, ``(S, M)``: the main actor's first, then the
    other bodies' in the archive's order, -1 where there is none.

    Without a label ``body`` every sequence is a recording of its own.
    """
    archive, rows = selection
    people = np.full((len(rows), num_people), -1)
    if 'body' not in archive.labels:
        people[:, 0] = rows
        return people
    body = archive.labels['body'][rows]
    names = [name.rpartition('_')[0] if number >= 0 else name
             for name, number in zip(archive.names[rows], body)]
    recording = np.unique(names, return_inverse=True)[1].ravel()
    order = np.lexsort((body, recording))
    start = np.r_[True, np.diff(recording[order]) > 0]
    place = np.arange(len(order)) - np.maximum.accumulate(np.where(start, np.arange(len(order)), 0))
    kept = place < num_people
    people = people[:recording.max() + 1]
    people[recording[order][kept], place[kept]] = rows[order][kept]
    return people


def resampled(archive: Archive, people: np.ndarray, num_frames: int) -> np.ndarray:
    """Recordings at ``num_frames`` evenly spaced moments, linear between valid frames.

    The moments go from the first to the last valid frame of the main actor.

    Args:
        archive: Where the sequences are.
        people: Their numbers by recording and person, ``(S, M)``; -1 for nobody.
        num_frames: T.

    Returns:
        ``(S, M, T, K, 3)`` float32 mm; zeros for nobody.

    Raises:
        DatasetError: A sequence without any valid frame.
    """
    out = np.zeros((*people.shape, num_frames, *archive.positions.shape[1:]), np.float32)
    starts, lengths = archive.starts, archive.lengths
    for row, sequences in enumerate(people):
        moment = None
        for person, sequence in enumerate(sequences[sequences >= 0]):
            frames = slice(starts[sequence], starts[sequence] + lengths[sequence])
            valid = np.flatnonzero(archive.valid[frames])
            if not len(valid):
                raise DatasetError('no valid frame', sequence=archive.names[sequence])
            if moment is None:
                moment = np.linspace(valid[0], valid[-1], num_frames)
            out[row, person] = _at_moments(archive.positions[frames], valid, moment)
    return out


def _at_moments(frames: np.ndarray, valid: np.ndarray, moment: np.ndarray) -> np.ndarray:
    """Frames ``(N, K, 3)`` at broken frame numbers, linear between the ``valid`` ones, constant
    before the first and after the last."""
    after = np.searchsorted(valid, moment).clip(0, len(valid) - 1)
    before = np.maximum(after - 1, 0)
    span = np.maximum(valid[after] - valid[before], 1)
    share = ((moment - valid[before]) / span).clip(0, 1)[:, None, None]
    return (1 - share) * frames[valid[before]] + share * frames[valid[after]]
