"""Datasets whose samples are rows of arrays in memory."""
from typing import Callable, Dict, Mapping, Optional, Sequence, Union

import numpy as np
import torch
from mmengine.dataset import Compose
from torch import Tensor
from torch.utils.data import Dataset

from mmviewpose.errors import DatasetError
from mmviewpose.registry import DATASETS, FUNCTIONS, TRANSFORMS

Batch = Dict[str, Tensor]


@FUNCTIONS.register_module()
def identity_collate(batch: dict) -> dict:
    """Pass on what :meth:`ArrayDataset.__getitems__` made: it is a batch already."""
    return batch


class BatchCompose(Compose):
    """A pipeline of transforms on batches, built from our registry."""

    def __init__(self, transforms: Optional[Sequence[Union[dict, Callable]]]) -> None:
        super().__init__([TRANSFORMS.build(entry) if isinstance(entry, Mapping) else entry
                          for entry in transforms or ()])


def check_transforms(cfg: Mapping) -> None:
    """Check that the files which the transforms of a dataset config name are there.

    Raises:
        DatasetError: Names the first that is not.
    """
    for transform in (*cfg.get('prepare', ()), cfg.get('encode'), *cfg.get('pipeline', ())):
        kind = TRANSFORMS.get(transform['type']) if isinstance(transform, Mapping) else None
        if hasattr(kind, 'check_files'):
            kind.check_files(transform)


@DATASETS.register_module()
class ArrayDataset(Dataset):
    """Rows of arrays, fetched a batch at a time.

    PyTorch's DataLoader calls :meth:`__getitems__` with the indices of a whole batch. One
    ``index_select`` an array makes the batch, the transforms of ``pipeline`` work on all its rows
    at once, and ``collate_fn=dict(type='mmviewpose.identity_collate')`` passes it on. Worker
    processes would only cost here: leave ``num_workers=0``.

    Args:
        arrays: Arrays or tensors whose first axis is the sample, all of one length.
        pipeline: Transforms called with a dict of batched tensors, at each fetch.
        prepare: Transforms called once with the whole arrays, when the dataset is built; what is
            random in them is drawn once, from ``prepare_seed``. So a test set is corrupted the
            same way at every evaluation, whatever the batch size and the number of ranks.
        prepare_seed: Seed of ``prepare``.
        metainfo: What the visualizer and metrics may want to know.

    Raises:
        DatasetError: No samples, or arrays of different lengths.
    """

    def __init__(self, arrays: Mapping[str, Union[np.ndarray, Tensor]],
                 pipeline: Sequence[dict] = (), prepare: Sequence[dict] = (),
                 prepare_seed: int = 0, metainfo: Optional[dict] = None) -> None:
        tensors = {key: torch.as_tensor(value).contiguous() for key, value in arrays.items()}
        _check_lengths(tensors)
        if prepare:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(prepare_seed)
                tensors = BatchCompose(prepare)(tensors)
            _check_lengths(tensors)
        self.arrays: Batch = tensors
        self.pipeline = BatchCompose(pipeline)
        self._metainfo = dict(metainfo or {})

    @property
    def metainfo(self) -> dict:
        """Facts about the data, read by the visualizer and the metrics."""
        return self._metainfo

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    def __getitems__(self, indices: Union[Sequence[int], Tensor]) -> dict:
        """Make the batch of ``indices``: ``(B,)`` -> dict of tensors with leading axis B."""
        index = torch.as_tensor(indices)
        batch = {key: array.index_select(0, index) for key, array in self.arrays.items()}
        batch['index'] = index
        return self.pipeline(batch)

    def __getitem__(self, index: int) -> dict:
        """Make a batch of one sample, for a look at the data."""
        return self.__getitems__([index])


def _check_lengths(tensors: Batch) -> None:
    lengths = {key: len(value) for key, value in tensors.items()}
    if not lengths or 0 in lengths.values():
        raise DatasetError('there are no samples')
    if len(set(lengths.values())) > 1:
        raise DatasetError(f'arrays of different lengths: {lengths}')
