"""The base of all metrics over batched tensors."""
from abc import abstractmethod
from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np
import torch
from mmengine.dist import (broadcast_object_list, collect_results, get_world_size,
                           is_main_process)
from mmengine.evaluator import BaseMetric
from torch import Tensor

Column = Union[Tensor, np.ndarray]


def _column(values: Any) -> Column:
    """A batch of one field as a tensor on the CPU or, for text, as an array."""
    if isinstance(values, Tensor):
        return values.detach().cpu()
    values = np.asarray(values)
    return values if values.dtype.kind in 'US' else torch.as_tensor(values)


def _concatenate(columns: List[Column]) -> Column:
    return torch.cat(columns) if isinstance(columns[0], Tensor) else np.concatenate(columns)


class BatchedMetric(BaseMetric):
    """A metric over a model that predicts batches, not samples.

    What a model's ``predict`` returns for it is a **list with one dict of batched tensors**,
    ``[dict(keypoints=(B, K, 3), target=(B, K, 3), index=(B,), ...)]``: mmengine's evaluator
    iterates over a prediction, and over a bare dict it would iterate the keys. (A list with
    several such dicts is fine too.)

    mmengine gathers results as one per sample in the order of its own sampler and cuts them off at
    the size of the data set. Here every result carries its ``index``, its number in the data set:
    results of all ranks are put in that order, samples that a padded sampler repeated are counted
    once, and a sample that nobody predicted is an error. The metric is then computed on the whole
    in one place, so that it does not depend on the number of ranks or the size of a batch.

    A subclass names the fields that it needs in ``fields`` and implements :meth:`compute`.

    Args:
        fields: Fields of the prediction to keep until the end.
        collect_device: ``'cpu'`` or ``'gpu'``: how ranks exchange results, as in mmengine.
        prefix: Put before the names of the results, with a slash.
        collect_dir: Shared folder for ``collect_device='cpu'``, as in mmengine.
    """

    # an empty prefix is none; mmengine would warn about None
    default_prefix: Optional[str] = ''

    def __init__(self,
                 fields: Sequence[str],
                 collect_device: str = 'cpu',
                 prefix: Optional[str] = None,
                 collect_dir: Optional[str] = None) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        self.fields = tuple(dict.fromkeys([*fields, 'index']))

    @abstractmethod
    def compute(self, results: Dict[str, Column]) -> Dict[str, float]:
        """The metric of the whole data set.

        Args:
            results: Each field for all N samples in the order of the data set, ``(N, ...)``:
                tensors, or arrays of strings.

        Returns:
            Names and values.
        """

    def optional_fields(self) -> Sequence[str]:
        """Fields that a prediction may lack."""
        return ()

    def process(self, data_batch: Any, data_samples: Sequence[Dict[str, Any]]) -> None:
        """Keep what a batch's prediction says.

        Args:
            data_batch: Not looked at.
            data_samples: A list of dicts of batched tensors, with ``index`` ``(B,)``.

        Raises:
            TypeError: If it is not a list of dicts.
            KeyError: If a needed field is missing.
            ValueError: If a field does not have one entry a sample.
        """
        for prediction in data_samples:
            if not isinstance(prediction, dict):
                raise TypeError(f"{type(self).__name__} takes a list with a dict of batched "
                                f"tensors, got a {type(prediction).__name__} in it: a model's "
                                "'predict' returns [dict(...)], not the bare dict")
            kept = {}
            for field in self.fields:
                if prediction.get(field) is not None:
                    kept[field] = _column(prediction[field])
                elif field not in self.optional_fields():
                    raise KeyError(f'{type(self).__name__} needs {field!r} in the prediction, '
                                   f'which has {sorted(prediction)}')
            for field, column in kept.items():
                if len(column) != len(kept['index']):
                    raise ValueError(f'{field!r} has {len(column)} entries for '
                                     f"{len(kept['index'])} samples")
            self.results.append(kept)

    def compute_metrics(self, results: List[Dict[str, Column]]) -> Dict[str, float]:
        """The metric of results as :meth:`process` keeps them; they may repeat samples."""
        return self.compute(_merge(results))

    def evaluate(self, size: int) -> Dict[str, float]:
        """Gather all ranks' results and compute the metric.

        Args:
            size: Number of samples in the data set.

        Returns:
            Names and values, the same on every rank.

        Raises:
            RuntimeError: If samples of the data set were not predicted, or an index is outside it.
        """
        # One entry a rank: mmengine's gathering then has nothing to reorder or to cut off.
        parts = collect_results([_merge(self.results) if self.results else None],
                                get_world_size(), self.collect_device,
                                **(dict(tmpdir=self.collect_dir)
                                   if self.collect_device == 'cpu' else {}))
        self.results.clear()
        # A failure on one rank would leave the others waiting, so it travels like a result.
        outcome: List[Any] = [None]
        if is_main_process():
            try:
                results = _merge([part for part in parts if part])
                _check_complete(results['index'] if results else torch.zeros(0), size)
                metrics = self.compute(results)
                outcome = [{f'{self.prefix}/{name}' if self.prefix else name: value
                            for name, value in metrics.items()}]
            except Exception as error:  # noqa: BLE001
                outcome = [error]
        broadcast_object_list(outcome)
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        return outcome[0]


def _merge(results: List[Dict[str, Column]]) -> Dict[str, Column]:
    """Concatenate, order by index and keep one of each index."""
    if not results:
        return {}
    fields = set(results[0])
    for result in results:
        if set(result) != fields:
            raise ValueError('predictions do not all have the same fields: '
                             f'{sorted(fields)} and {sorted(result)}')
    merged = {field: _concatenate([result[field] for result in results]) for field in results[0]}
    _, first = np.unique(merged['index'].numpy(), return_index=True)
    return {field: column[torch.from_numpy(first) if isinstance(column, Tensor) else first]
            for field, column in merged.items()}


def _check_complete(index: Tensor, size: int) -> None:
    """``index`` is sorted and unique."""
    outside = index[(index < 0) | (index >= size)]
    if len(outside):
        raise RuntimeError(f'index {outside[0].item()} is outside the data set of {size} samples: '
                           "a prediction's 'index' is the number in the data set")
    if len(index) != size:
        seen = torch.zeros(size, dtype=torch.bool)
        seen[index.long()] = True
        missing = (~seen).nonzero()[:, 0].tolist()
        shown = ', '.join(map(str, missing[:5])) + (', ...' if len(missing) > 5 else '')
        raise RuntimeError(f'{len(missing)} of {size} samples were not predicted (index {shown}): '
                           'is drop_last set in the dataloader?')
