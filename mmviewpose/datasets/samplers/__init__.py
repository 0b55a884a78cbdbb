from .array_batch_sampler import ArrayBatchSampler

__all__ = ['ArrayBatchSampler']
