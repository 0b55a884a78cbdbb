# Muon for both networks, constant for half the run, then falling to 2 %; tested are the running
# means of the weights. Epochs are set once, here or by a config that inherits.
max_epochs = 10
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=1)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(
    constructor='PartsOptimWrapperConstructor',
    lifter=dict(optimizer=dict(type='StackedMuon', lr=5e-3)),
    critic=dict(optimizer=dict(type='StackedMuon', lr=5e-3)))
param_scheduler = dict(
    type='LinearLR', start_factor=1., end_factor=0.02, begin=max_epochs // 2, end=max_epochs,
    by_epoch=True, convert_to_iter_based=True)
auto_scale_lr = dict(base_batch_size=256)
