from .array_batch_sampler import ArrayBatchSampler
from .multiview_batch_sampler import MultiviewBatchSampler

__all__ = ['ArrayBatchSampler', 'MultiviewBatchSampler']
