# Runs of lifters without 3D labels: what is tested and saved are running means of the weights,
# which vary less than those of an adversarial training's last step.
_base_ = ['./default_runtime.py']
custom_hooks = [
    dict(type='TrainingCurvesHook'),
    dict(type='mmengine.EMAHook', ema_type='ExponentialMovingAverage', momentum=0.005),
]
default_hooks = dict(visualization=dict(type='LiftedPosesHook'))
