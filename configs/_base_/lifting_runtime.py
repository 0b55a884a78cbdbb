# Runs of lifters: pictures of prediction against truth.
_base_ = ['./default_runtime.py']
default_hooks = dict(visualization=dict(type='LiftingPictureHook'))
