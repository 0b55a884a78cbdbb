"""Batches in which the views of a clip stand side by side."""
import math
from typing import Iterator, List, Optional, Sequence, Union

import torch
from mmengine.logging import print_log
from torch import Tensor
from torch.utils.data import BatchSampler

from mmviewpose.datasets.samplers.default_sampler import require_default_sampler
from mmviewpose.datasets.samplers.view_groups import groups_of
from mmviewpose.errors import DatasetError, UserError
from mmviewpose.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class MultiviewBatchSampler(BatchSampler):
    """Batches of ``batch_size`` samples: V consecutive ones are views of one window of a clip.

    A window with more than V views is cut, anew in each epoch, into as many random sets of V as
    fit, so that an epoch of windows with four views and V = 2 still is every sample once. Windows
    with fewer than V are left out. Shuffling, seed, epoch, rank, world size and padding are those
    of the data loader's ``DefaultSampler``; each rank gets whole sets, all ranks equally many::

        train_dataloader = dict(
            batch_size=32,
            sampler=dict(type='DefaultSampler', shuffle=True),
            batch_sampler=dict(type='mmviewpose.MultiviewBatchSampler', num_views=2))

    Args:
        sampler: mmengine's ``DefaultSampler``, or one with its attributes.
        batch_size: Samples in a batch, a multiple of ``num_views``.
        num_views: V.
        views: Names of the cameras to take; by default all. If they are V, they come in this
            order.
        group_by: How to find the views of a window, see
            :func:`~mmviewpose.datasets.samplers.view_groups.groups_of`.
        drop_last: Leave out the last batch if it is smaller.

    Raises:
        UserError: A setting does not fit, or the dataset does not know its views.
        DatasetError: No window has V of the views.
    """

    def __init__(self, sampler, batch_size: int, num_views: int = 2,
                 views: Optional[Sequence[str]] = None, group_by: str = 'dataset',
                 drop_last: bool = False) -> None:
        require_default_sampler(sampler, 'MultiviewBatchSampler')
        if num_views < 1 or batch_size % num_views or batch_size < num_views:
            raise UserError(f'config: batch_size ({batch_size}) must be a multiple of num_views '
                            f'({num_views})')
        super().__init__(sampler, batch_size, drop_last)
        self.num_views = num_views
        groups, names = groups_of(sampler.dataset, group_by)
        self.groups = self._usable(groups, names, views)
        self.fixed_order = views is not None and len(views) == num_views
        self.sets_of_window = (self.groups >= 0).sum(1) // num_views
        self.round_up = getattr(sampler, 'round_up', True)
        total = int(self.sets_of_window.sum()) - (0 if self.round_up else sampler.rank)
        self.num_sets = math.ceil(total / sampler.world_size)
        self.as_tensors = hasattr(sampler.dataset, '__getitems__')
        if not len(self):
            raise UserError(f'config: {self.num_sets} sets of {num_views} views do not fill one '
                            f'batch of {batch_size}: a smaller batch_size, or drop_last=False')

    def _usable(self, groups: Tensor, names: List[str], views: Optional[Sequence[str]]) -> Tensor:
        """The rows with V of the wanted views, and these columns."""
        if views is not None:
            unknown = sorted(set(map(str, views)) - set(names))
            if unknown or len(views) < self.num_views:
                raise UserError(f'config: views={list(views)} must be at least {self.num_views} of '
                                f'the cameras {names}')
            groups = groups[:, [names.index(str(name)) for name in views]]
        enough = (groups >= 0).sum(1) >= self.num_views
        if not enough.any():
            raise DatasetError(
                f'no clip was seen by {self.num_views} of the cameras {list(views or names)}')
        if not enough.all():
            print_log(f'{int((~enough).sum())} of {len(enough)} windows are left out: seen by '
                      f'fewer than {self.num_views} of the cameras', 'current')
        return groups[enough]

    def __len__(self) -> int:
        batches = self.num_sets * self.num_views / self.batch_size
        return math.floor(batches) if self.drop_last else math.ceil(batches)

    def __iter__(self) -> Iterator[Union[Tensor, List[int]]]:
        order, world_size = self._sets(), self.sampler.world_size
        if self.round_up:
            total = self.num_sets * world_size
            order = order.repeat(math.ceil(total / len(order)), 1)[:total]
        own = order[self.sampler.rank::world_size].flatten()
        for batch in own.split(self.batch_size)[:len(self)]:
            yield batch if self.as_tensors else batch.tolist()

    def _sets(self) -> Tensor:
        """All sets of an epoch, ``(S, V)``."""
        generator = torch.Generator()
        generator.manual_seed(self.sampler.seed + self.sampler.epoch)
        rank = torch.arange(self.groups.shape[1]).float().expand(self.groups.shape)
        if self.sampler.shuffle and not self.fixed_order:
            rank = torch.rand(self.groups.shape, generator=generator)
        order = rank.masked_fill(self.groups < 0, math.inf).argsort(dim=1, stable=True)
        most = int(self.sets_of_window.max())
        views = self.groups.gather(1, order)[:, :most * self.num_views]
        sets = views.unflatten(1, (most, self.num_views))
        sets = sets[torch.arange(most) < self.sets_of_window[:, None]]
        if self.sampler.shuffle:
            sets = sets[torch.randperm(len(sets), generator=generator)]
        return sets
