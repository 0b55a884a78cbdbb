"""Datasets whose sample is one pose."""
from typing import Tuple

import numpy as np

from mmviewpose.datasets.datasets.archive_source import (Selection, Sources, SourcesDataset,
                                                         chosen_frames, select_sequences,
                                                         sequence_of_frames, shared_labels)
from mmviewpose.datasets.datasets.array_dataset import ArrayDataset
from mmviewpose.datasets.synthetic.people import synthetic_poses
from mmviewpose.errors import DatasetError
from mmviewpose.registry import DATASETS


@DATASETS.register_module()
class PoseDataset(SourcesDataset):
    """Frames of archives (``tools/dataset_converters/skeletons.py``), one pose a sample.

    Poses come centred on their root, ``keypoints`` ``(K, 3)`` in mm, y up, with the labels that
    all archives have, as whole numbers; words are numbered in their alphabetical order, which
    ``metainfo['label_names']`` gives. Frames that a reader masked are left out.

    Args:
        sources: What to take of which archive, see
            :func:`~mmviewpose.datasets.datasets.archive_source.select_sequences`.
        data_root: Folder that the archives are relative to.
        skeleton: Layout that the archives must have.
        num_synthetic: Poses of the built-in synthetic people to add; labels are left out then.
        centred: False leaves poses where they were recorded.
        **array: ``pipeline``, ``prepare``, ``prepare_seed`` of :class:`ArrayDataset`.

    Raises:
        DatasetError: A file is missing or broken, or nothing is left.
    """

    def __init__(self, sources: Sources, data_root: str = '', skeleton: str = 'ape17',
                 num_synthetic: int = 0, centred: bool = True, **array) -> None:
        selections = [select_sequences(source, data_root, skeleton) for source in sources]
        parts = [_valid_frames(selection) for selection in selections]
        poses = [_centred(found) if centred else found for found, _ in parts]
        labels, words = {}, {}
        if num_synthetic:
            poses.append(_centred(synthetic_poses(num_synthetic, seed=0)))
        elif selections:
            labels, words = shared_labels([
                {key: value[rows] for key, value in archive.labels.items()}
                for archive, rows in selections])
            first = np.cumsum([0] + [len(rows) for _, rows in selections[:-1]])
            sequence = np.concatenate([n + place for n, (_, place) in zip(first, parts)])
            labels = {key: value[sequence] for key, value in labels.items()}
        if not poses:
            raise DatasetError('no sources and no synthetic people')
        super().__init__(dict(labels, keypoints=np.concatenate(poses)),
                         metainfo=dict(skeleton=skeleton, label_names=words), **array)


def _valid_frames(selection: Selection) -> Tuple[np.ndarray, np.ndarray]:
    """Poses ``(N, K, 3)`` of the valid frames of a selection, and the place ``(N,)`` in its rows
    of the sequence that each is from."""
    archive, rows = selection
    kept = chosen_frames(selection) & archive.valid
    return archive.positions[kept], np.searchsorted(rows, sequence_of_frames(archive)[kept])


def _centred(positions: np.ndarray) -> np.ndarray:
    return positions - positions[:, :1]


@DATASETS.register_module()
class SyntheticPoseDataset(ArrayDataset):
    """Poses of the built-in synthetic people, for trying a method without a download.

    Args:
        num_poses: How many.
        seed: Another seed gives other people and motions.
        **array: ``pipeline``, ``prepare``, ``prepare_seed`` of :class:`ArrayDataset`.
    """

    def __init__(self, num_poses: int = 20000, seed: int = 0, **array) -> None:
        super().__init__(dict(keypoints=_centred(synthetic_poses(num_poses, seed))),
                         metainfo=dict(skeleton='ape17'), **array)
