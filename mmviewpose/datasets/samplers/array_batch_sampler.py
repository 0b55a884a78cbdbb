"""Batches of indices as tensors."""
from typing import Iterator

import torch
from mmengine.dataset import DefaultSampler
from torch import Tensor
from torch.utils.data import BatchSampler

from mmviewpose.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class ArrayBatchSampler(BatchSampler):
    """Cut a sampler's order into index tensors for :class:`ArrayDataset`.

    The order is the sampler's own (mmengine's ``DefaultSampler``: shuffled by epoch, padded and
    split over the ranks). PyTorch's ``BatchSampler`` collects it one Python integer at a time;
    here it becomes one tensor an epoch, and a batch is a view of it.

    Args:
        sampler: Any finite sampler.
        batch_size: Indices in a batch.
        drop_last: Leave out the last batch if it is smaller.
    """

    def __init__(self, sampler, batch_size: int, drop_last: bool = False) -> None:
        super().__init__(sampler, batch_size, drop_last)

    def __iter__(self) -> Iterator[Tensor]:
        order = _order(self.sampler)
        full = len(order) // self.batch_size * self.batch_size
        yield from order[:full if self.drop_last else len(order)].split(self.batch_size)


def _order(sampler) -> Tensor:
    """All indices of an epoch; what ``DefaultSampler`` yields, without the detour over a list."""
    if type(sampler) is not DefaultSampler:
        return torch.tensor(list(sampler), dtype=torch.long)
    size = len(sampler.dataset)
    if sampler.shuffle:
        generator = torch.Generator()
        generator.manual_seed(sampler.seed + sampler.epoch)
        order = torch.randperm(size, generator=generator)
    else:
        order = torch.arange(size)
    if sampler.round_up:
        order = order.repeat(sampler.total_size // size + 1)
    return order[sampler.rank:sampler.total_size:sampler.world_size].contiguous()
