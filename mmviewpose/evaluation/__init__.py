"""Registered metrics."""
from .base import BatchedMetric
from .pose_metrics import PoseErrorMetric
from .subset_accuracy import SubsetAccuracy

__all__ = ['BatchedMetric', 'PoseErrorMetric', 'SubsetAccuracy']
