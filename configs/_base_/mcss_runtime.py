# Runtime of pose regressors from images: the model is told mean and deviation of training poses.
_base_ = ['./default_runtime.py']
custom_hooks = [dict(type='TrainingCurvesHook'), dict(type='PoseStatisticsHook')]
