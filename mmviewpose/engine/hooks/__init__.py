from .buffered_logging import (BufferedIterTimerHook, BufferedRuntimeInfoHook,
                               IntervalLoggerHook)

__all__ = ['BufferedIterTimerHook', 'BufferedRuntimeInfoHook', 'IntervalLoggerHook']
