"""Cross-view retrieval of poses as a metric."""
from typing import Dict, Optional, Sequence

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor

from mmviewpose.files import atomic_path
from mmviewpose.functional.retrieval import cross_view_retrieval
from mmviewpose.registry import METRICS

from .base import BatchedMetric, Column


@METRICS.register_module()
class RetrievalMetric(BatchedMetric):
    """How similar the poses are that an embedding retrieves from other views.

    R. Mitra et al., "Multiview-consistent semi-supervised learning for 3D human pose estimation"
    (2020), Sec. 6.1. Every image is a query; the gallery are the images of other views, ``same``
    of all subjects and ``cross`` of other subjects. Of each, for every k:

    - ``same/Mean-PA-MPJPE@k``: mean PA-MPJPE in mm of the k nearest;
    - ``same/Mean-PA-MPJPE@k/oracle`` and ``.../random``: of the k best poses there are, and of k
      random ones, on the queries drawn for them;
    - ``same/Mean-PA-MPJPE@k/relative``: the embedding's minus the oracle's on those queries, what
      the paper reports;
    - ``same/Hit@k(50mm)``: queries in % that find a pose nearer than ``threshold`` among the k.

    Args:
        ks: Numbers of neighbours; every image needs as many candidates as the largest.
        threshold: Of ``Hit@k``, PA-MPJPE in mm.
        oracle_queries: Queries drawn for the oracle and for random candidates, at most.
        seed: Of the draws.
        embedding_key: Field of the embeddings, ``(B, D)``.
        pose_key: Field of the true poses, ``(B, J, 3)`` mm.
        view_key: Field of the cameras' numbers, ``(B,)``.
        subject_key: Field of the people's numbers, ``(B,)``.
        out_file: An ``.npz`` to write, for ``tools/analysis/retrieval.py``.
        **kwargs: ``collect_device``, ``prefix``, ``collect_dir``.
    """

    def __init__(self, ks: Sequence[int] = (1, 2, 5, 10, 20), threshold: float = 50.,
                 oracle_queries: int = 500, seed: int = 0, embedding_key: str = 'embedding',
                 pose_key: str = 'target', view_key: str = 'view', subject_key: str = 'subject',
                 out_file: Optional[str] = None, **kwargs) -> None:
        super().__init__([embedding_key, pose_key, view_key, subject_key], **kwargs)
        if not ks or min(ks) < 1:
            raise ValueError(f'ks must be numbers of neighbours from 1 on, got {list(ks)}')
        if oracle_queries < 1:
            raise ValueError(f'oracle_queries must be at least 1, got {oracle_queries}')
        self.ks, self.threshold, self.seed = tuple(ks), threshold, seed
        self.oracle_queries, self.out_file = oracle_queries, out_file
        self.keys = dict(embedding=embedding_key, pose=pose_key, view=view_key,
                         subject=subject_key)

    def compute(self, results: Dict[str, Column]) -> Dict[str, float]:
        """The figures of both cases.

        Raises:
            ValueError: One view only, too few images, or what is not finite.
        """
        values = {name: results[key] for name, key in self.keys.items()}
        for name in ('view', 'subject'):
            values[name] = _numbered(values[name])
        if self.out_file is not None:
            # into an open file: numpy would add .npz to another name
            with atomic_path(self.out_file) as temporary, open(temporary, 'wb') as file:
                np.savez(file, **{name: _writable(column) for name, column in values.items()})
        cases = cross_view_retrieval(values['embedding'], values['pose'], values['view'],
                                     values['subject'], self.ks, self.threshold,
                                     self.oracle_queries, self.seed)
        if 'cross' not in cases:
            print_log(f'{type(self).__name__}: there is one subject, so nothing is retrieved '
                      'across subjects', 'current')
        found = {}
        for name, case in cases.items():
            for k in self.ks:
                mean = f'{name}/Mean-PA-MPJPE@{k}'
                found.update({mean: case.mean[k], f'{mean}/oracle': case.oracle[k],
                              f'{mean}/random': case.random[k],
                              f'{mean}/relative': case.relative[k],
                              f'{name}/Hit@{k}({self.threshold:g}mm)': case.hit[k]})
        return found


def _numbered(labels: Column) -> Tensor:
    """Labels ``(N,)`` or ``(N, 1)`` as numbers; words get those of their order."""
    if isinstance(labels, Tensor):
        return labels.reshape(len(labels))
    return torch.from_numpy(np.unique(labels, return_inverse=True)[1])


def _writable(column: Tensor) -> np.ndarray:
    return (column.float() if column.dtype == torch.bfloat16 else column).numpy()
