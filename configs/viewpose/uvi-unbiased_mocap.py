_base_ = ['./uvi_mocap.py']  # and what the paper does not have: no view's own mean pose
model = dict(view_bias=0.3)
custom_hooks = [*_base_.custom_hooks, dict(type='EraseViewsHook')]
