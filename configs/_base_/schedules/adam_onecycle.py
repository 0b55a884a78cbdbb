# Adam, one cycle. Epochs are set once, here or by a config that inherits.
max_epochs = 12
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=4)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='Adam', lr=3e-3))
param_scheduler = dict(
    type='OneCycleLR', eta_max=3e-3, total_steps=max_epochs, by_epoch=True,
    convert_to_iter_based=True)
auto_scale_lr = dict(base_batch_size=256)
