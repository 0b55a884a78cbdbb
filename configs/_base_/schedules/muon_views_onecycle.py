# One cycle for the small networks, in bfloat16: Muon on convolutions and small dense layers, Adam
# on the two layers between maps and features, whose size would make Muon slow, and on all else.
_base_ = ['./adam_views.py']
max_epochs = 2
train_cfg = dict(max_epochs=max_epochs, val_interval=1)
optim_wrapper = dict(
    type='BFloat16OptimWrapper',
    optimizer=dict(
        _delete_=True, type='StackedMuon', lr=2e-2, adam_ratio=0.15, axes=(2, 4), largest=300000))
param_scheduler = dict(
    type='OneCycleLR', eta_max=2e-2, total_steps=max_epochs, by_epoch=True, pct_start=0.2,
    convert_to_iter_based=True)
auto_scale_lr = dict(base_batch_size=8)
