# The reconstructions keep poses alive while the exchange begins to work, and stand in its way
# afterwards: their weight falls to a tenth (docs/methods/uvi.md).
_base_ = ['./uvi_runtime.py']
custom_hooks = [
    dict(type='TrainingCurvesHook'),
    dict(type='LossWeightHook', loss='reconstruction_loss', factors=(1., .1), between=(.3, .6))]
