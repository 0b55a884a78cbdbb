"""Datasets whose sample is a labelled sequence of poses."""
from typing import Any, Mapping, Optional, Sequence

import numpy as np

from mmviewpose.datasets.datasets.archive_source import (Selection, check_sources, label_of,
                                                         numeric, select_sequences)
from mmviewpose.datasets.datasets.array_dataset import ArrayDataset
from mmviewpose.errors import DatasetError
from mmviewpose.registry import DATASETS


@DATASETS.register_module()
class ActionDataset(ArrayDataset):
    """Action sequences of an archive, resampled to one length so that they form an array.

    ``keypoints`` ``(T, K, 3)`` in mm, y up, in place (not centred), ``label`` counted from 0 over
    the classes of the whole archive, and the archive's numeric labels. Masked frames are
    interpolated over.

    Args:
        ann_file: Archive file.
        data_root: Folder that it is relative to.
        skeleton: Layout that the archive must have.
        num_frames: T; longer sequences lose frames, shorter ones are interpolated.
        select, drop, fold: Which sequences, see
            :func:`~mmviewpose.datasets.datasets.archive_source.select_sequences`.
        action_label: Label that is the class.
        copies: How often each sequence appears; random transforms in ``prepare`` make the copies
            differ.
        **array: ``pipeline``, ``prepare``, ``prepare_seed`` of :class:`ArrayDataset`.

    Raises:
        DatasetError: A file is missing or broken, or nothing is left.
    """

    def __init__(self, ann_file: str, data_root: str = '', skeleton: str = 'ape17',
                 num_frames: int = 64, select: Optional[Mapping[str, Sequence]] = None,
                 drop: Optional[Mapping[str, Sequence]] = None, fold: Optional[Mapping] = None,
                 action_label: str = 'action', copies: int = 1, **array) -> None:
        source = dict(ann_file=ann_file, select=select, drop=drop, fold=fold)
        archive, rows = select_sequences(source, data_root, skeleton)
        classes = np.unique(label_of(archive, action_label))
        rows = np.tile(rows, copies)
        arrays = {key: value[rows] for key, value in numeric(archive.labels).items()}
        arrays['label'] = np.searchsorted(classes, label_of(archive, action_label)[rows])
        arrays['keypoints'] = resampled(Selection(archive, rows), num_frames)
        super().__init__(arrays, metainfo=dict(skeleton=skeleton, classes=classes.tolist()),
                         **array)

    @classmethod
    def check_files(cls, cfg: Mapping[str, Any]) -> None:
        """Check that the file of a dataset config is there.

        Raises:
            DatasetError: Names it.
        """
        check_sources([cfg], cfg.get('data_root', ''))


def resampled(selection: Selection, num_frames: int) -> np.ndarray:
    """Sequences at ``num_frames`` evenly spaced moments, linear between their valid frames.

    Returns:
        ``(S, T, K, 3)`` float32 mm.

    Raises:
        DatasetError: A sequence without any valid frame.
    """
    archive, rows = selection
    out = np.empty((len(rows), num_frames, *archive.positions.shape[1:]), np.float32)
    for row, sequence in enumerate(rows):
        start, length = archive.starts[sequence], archive.lengths[sequence]
        valid = np.flatnonzero(archive.valid[start:start + length])
        if not len(valid):
            raise DatasetError('no valid frame', sequence=archive.names[sequence])
        moment = np.linspace(valid[0], valid[-1], num_frames)
        after = np.searchsorted(valid, moment).clip(0, len(valid) - 1)
        before = np.maximum(after - 1, 0)
        span = np.maximum(valid[after] - valid[before], 1)
        share = ((moment - valid[before]) / span).clip(0, 1)[:, None, None]
        frames = archive.positions[start:start + length]
        out[row] = (1 - share) * frames[valid[before]] + share * frames[valid[after]]
    return out
