"""Datasets whose sample is one pose."""
from typing import Any, Mapping

import numpy as np

from mmviewpose.datasets.datasets.archive_source import (Selection, Sources, check_sources,
                                                         numeric, select_sequences)
from mmviewpose.datasets.datasets.array_dataset import ArrayDataset, check_transforms
from mmviewpose.datasets.synthetic.people import synthetic_poses
from mmviewpose.registry import DATASETS


@DATASETS.register_module()
class PoseDataset(ArrayDataset):
    """Frames of archives (``tools/dataset_converters/skeletons.py``), one pose a sample.

    Poses come centred on their root, ``keypoints`` ``(K, 3)`` in mm, y up, with the labels in
    numbers that all archives have. Frames that a reader masked are left out.

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
        parts = [_poses(select_sequences(source, data_root, skeleton), centred)
                 for source in sources]
        if num_synthetic:
            parts.append(dict(keypoints=_centred(synthetic_poses(num_synthetic, seed=0))))
        shared = set.intersection(*(set(part) for part in parts))
        arrays = {key: np.concatenate([part[key] for part in parts]) for key in sorted(shared)}
        super().__init__(arrays, metainfo=dict(skeleton=skeleton), **array)

    @classmethod
    def check_files(cls, cfg: Mapping[str, Any]) -> None:
        """Check that the files of a dataset config are there.

        Raises:
            DatasetError: Names the first that is not.
        """
        check_sources(cfg['sources'], cfg.get('data_root', ''))
        check_transforms(cfg)


def _poses(selection: Selection, centred: bool) -> dict:
    """Poses and labels in numbers of the valid frames of a selection."""
    archive, rows = selection
    sequence = np.repeat(np.arange(len(archive.names)), archive.lengths)
    kept = np.isin(sequence, rows) & archive.valid
    positions = archive.positions[kept]
    labels = {key: value[sequence[kept]] for key, value in numeric(archive.labels).items()}
    return dict(labels, keypoints=_centred(positions) if centred else positions)


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
