from .array_batch_sampler import ArrayBatchSampler
from .multiview_batch_sampler import MultiviewBatchSampler
from .pair_batch_sampler import PairBatchSampler

__all__ = ['ArrayBatchSampler', 'MultiviewBatchSampler', 'PairBatchSampler']
