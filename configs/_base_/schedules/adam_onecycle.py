# Adam, one cycle, clipped gradients. The rate is high for Adam: each node of a tree has small
# matrices of its own, and with 3e-3 the error falls far more slowly (docs/methods/sebirenet.md).
# Epochs are set once, here or by a config that inherits.
max_epochs = 12
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=4)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(
    optimizer=dict(type='Adam', lr=2e-2, betas=(0.9, 0.98)), clip_grad=dict(max_norm=0.5))
param_scheduler = dict(
    type='OneCycleLR', eta_max=2e-2, total_steps=max_epochs, by_epoch=True,
    convert_to_iter_based=True)
auto_scale_lr = dict(base_batch_size=256)
