from .buffered_logging import (BufferedIterTimerHook, BufferedRuntimeInfoHook,
                               IntervalLoggerHook)
from .curves_hook import TrainingCurvesHook

__all__ = ['BufferedIterTimerHook', 'BufferedRuntimeInfoHook', 'IntervalLoggerHook',
           'TrainingCurvesHook']
