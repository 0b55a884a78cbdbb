# One cycle of Muon on the nodes' matrices, Adam on the rest: fewer than half of Adam's steps to the
# same error (docs/methods/sebirenet.md). Epochs are set once, here or by a config that inherits.
max_epochs = 12
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=4)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='StackedMuon', lr=2e-2))
param_scheduler = dict(
    type='OneCycleLR', eta_max=2e-2, total_steps=max_epochs, by_epoch=True,
    convert_to_iter_based=True)
auto_scale_lr = dict(base_batch_size=256)
