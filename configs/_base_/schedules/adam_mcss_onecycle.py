# One cycle of Adam for the small networks, in bfloat16.
_base_ = ['./adam_mcss.py']
max_epochs = 10
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
optim_wrapper = dict(type='BFloat16OptimWrapper', optimizer=dict(lr=3e-3))
param_scheduler = dict(
    _delete_=True, type='OneCycleLR', eta_max=3e-3, total_steps=max_epochs, by_epoch=True,
    pct_start=0.2, convert_to_iter_based=True)
