"""Registered metrics."""
from .base import BatchedMetric
from .pose_metrics import PoseErrorMetric

__all__ = ['BatchedMetric', 'PoseErrorMetric']
