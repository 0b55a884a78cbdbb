# Sec. 3.6: Adam 2e-4 for both networks, 800 epochs.
max_epochs = 800
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=10)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(
    constructor='PartsOptimWrapperConstructor',
    lifter=dict(optimizer=dict(type='Adam', lr=2e-4)),
    critic=dict(optimizer=dict(type='Adam', lr=2e-4)))
auto_scale_lr = dict(base_batch_size=8192)
