# One cycle of Adam for the small networks, in bfloat16.
_base_ = ['./adam_views.py']
max_epochs = 3
train_cfg = dict(max_epochs=max_epochs, val_interval=1)
optim_wrapper = dict(type='BFloat16OptimWrapper', optimizer=dict(lr=3e-3))
param_scheduler = dict(
    type='OneCycleLR', eta_max=3e-3, total_steps=max_epochs, by_epoch=True, pct_start=0.2,
    convert_to_iter_based=True)
auto_scale_lr = dict(base_batch_size=8)
