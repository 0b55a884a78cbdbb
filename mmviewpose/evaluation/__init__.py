"""Registered metrics."""
from importlib.util import find_spec

from .base import BatchedMetric
from .depth_correlation import DepthCorrelation
from .pose_metrics import PoseErrorMetric

__all__ = ['BatchedMetric', 'DepthCorrelation', 'PoseErrorMetric']

if find_spec('mmaction') is not None:  # beside mmpose alone it is absent
    from .subset_accuracy import SubsetAccuracy  # noqa: F401
    __all__.append('SubsetAccuracy')
