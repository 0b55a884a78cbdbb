"""The corrupted poses of the APE data set on which the paper trains."""
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

from mmviewpose.datasets.datasets.archive_source import HOW_TO_GET
from mmviewpose.datasets.datasets.array_dataset import ArrayDataset
from mmviewpose.datasets.formats.ape import NUM_MOVED, read_pairs
from mmviewpose.errors import DatasetError
from mmviewpose.registry import DATASETS


@DATASETS.register_module()
class ApeDataset(ArrayDataset):
    """Pairs of a corrupted and a clean pose in the layout that SeBiReNet's authors publish.

    ``removeN/{train,test}/APE_{train,test}.json`` and the same with ``_gt``, N joints moved.
    ``corrupted`` and ``keypoints`` ``(17, 3)`` in mm, y up, both relative to the root joint of the
    corrupted pose; ``moved`` ``(17,)`` bool, where they differ; ``num_moved``, N.

    Args:
        data_root: Folder that holds the ``removeN``.
        split: ``'train'`` or ``'test'``.
        num_moved: Which N to take.
        unit_mm: Millimetres in the files' unit.
        **array: ``pipeline``, ``prepare``, ``prepare_seed`` of :class:`ArrayDataset`.

    Raises:
        DatasetError: A file is missing or broken, or a pair of files does not match.
    """

    def __init__(self, data_root: str, split: str = 'train',
                 num_moved: Sequence[int] = NUM_MOVED, unit_mm: float = 1., **array) -> None:
        pairs = read_pairs(data_root, split, num_moved, unit_mm)
        origin = pairs.corrupted[:, :1]
        arrays = dict(corrupted=pairs.corrupted - origin, keypoints=pairs.clean - origin,
                      moved=(pairs.corrupted != pairs.clean).any(-1), num_moved=pairs.num_moved)
        super().__init__(arrays, metainfo=dict(skeleton='ape17'), **array)

    @classmethod
    def check_files(cls, cfg: Mapping[str, Any]) -> None:
        """Check that the files of a dataset config are there.

        Raises:
            DatasetError: Names the first that is not.
        """
        for path in _files(cfg['data_root'], cfg.get('split', 'train'),
                           cfg.get('num_moved', NUM_MOVED)):
            if not path.is_file():
                raise DatasetError(f'file not found; {HOW_TO_GET}', file=path)


def _files(data_root: str, split: str, num_moved: Sequence[int]) -> Iterator[Path]:
    for moved in num_moved:
        for kind in ('', '_gt'):
            yield Path(data_root, f'remove{moved}', split, f'APE_{split}{kind}.json')
