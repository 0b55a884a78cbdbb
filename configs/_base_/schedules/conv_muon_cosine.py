# Fine-tuning: half a cosine of Muon on the taps of convolutions, Adam on the rest. Epochs are set
# once, here or by a config that inherits.
max_epochs = 18
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=6)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(
    optimizer=dict(type='StackedMuon', lr=1e-2, stack_axis=2, adam_ratio=0.1))
param_scheduler = dict(
    type='CosineAnnealingLR', T_max=max_epochs, eta_min=0., by_epoch=True,
    convert_to_iter_based=True)
auto_scale_lr = dict(base_batch_size=96)
