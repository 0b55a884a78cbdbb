"""Registered metrics."""
from importlib.util import find_spec

from .base import BatchedMetric
from .depth_correlation import DepthCorrelation
from .pose_metrics import PoseErrorMetric
from .retrieval_metric import RetrievalMetric
from .view_metrics import ViewImageError, ViewLeakage

__all__ = ['BatchedMetric', 'DepthCorrelation', 'PoseErrorMetric', 'RetrievalMetric',
           'ViewImageError', 'ViewLeakage']

if find_spec('mmaction') is not None:  # beside mmpose alone it is absent
    from .rank_correlation import RankCorrelation  # noqa: F401
    from .subset_accuracy import SubsetAccuracy  # noqa: F401
    __all__ += ['RankCorrelation', 'SubsetAccuracy']
