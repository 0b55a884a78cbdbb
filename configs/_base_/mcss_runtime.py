# Runtime of learning with few labels: the poses' statistics go to the model.
_base_ = ['./default_runtime.py']
default_hooks = dict(visualization=dict(_delete_=True, type='PoseImagesHook'))
custom_hooks = [dict(type='TrainingCurvesHook'), dict(type='PoseStatisticsHook')]
