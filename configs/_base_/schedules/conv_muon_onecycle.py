# One cycle of Muon on the taps of convolutions, Adam on the rest (docs/methods/twoviews.md).
_base_ = ['./muon_onecycle.py']
optim_wrapper = dict(optimizer=dict(stack_axis=2, adam_ratio=0.1))
auto_scale_lr = dict(base_batch_size=64)
