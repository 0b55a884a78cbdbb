"""Accuracy on a part of a test set."""
from typing import Any, Mapping, Optional, Sequence

from mmaction.evaluation import AccMetric

from mmviewpose.registry import METRICS


@METRICS.register_module()
class SubsetAccuracy(AccMetric):
    """mmaction2's accuracy over the samples whose metainfo passes.

    The number of samples is printed beside it, as ``num_samples``.

    Args:
        select: Allowed values by key of the metainfo.
        drop: Forbidden values by key.
        **metric: ``AccMetric``'s options; ``prefix`` names the part.
    """

    def __init__(self, select: Optional[Mapping[str, Sequence]] = None,
                 drop: Optional[Mapping[str, Sequence]] = None,
                 **metric) -> None:
        super().__init__(**metric)
        self.select, self.drop = dict(select or {}), dict(drop or {})

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Collect all samples, each with whether it counts."""
        before = len(self.results)
        super().process(data_batch, data_samples)
        for result, sample in zip(self.results[before:], data_samples):
            result['counts'] = self._passes(sample)

    def compute_metrics(self, results: list) -> dict:
        """Accuracy over the samples that count.

        Raises:
            ValueError: None does.
        """
        # Selected here and not in ``process``: mmengine's gathering over ranks expects one
        # result for every sample of the data set.
        chosen = [result for result in results if result['counts']]
        if not chosen:
            raise ValueError(f'no sample with select={self.select}, drop={self.drop}')
        return dict(super().compute_metrics(chosen), num_samples=len(chosen))

    def _passes(self, sample: dict) -> bool:
        return (all(sample[key] in values for key, values in self.select.items())
                and not any(sample[key] in values for key, values in self.drop.items()))
