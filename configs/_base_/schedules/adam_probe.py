# The recurrent classifier: Adam, one cycle.
max_epochs = 10
train_cfg = dict(by_epoch=True, max_epochs=max_epochs)
optim_wrapper = dict(optimizer=dict(type='Adam', lr=5e-3))
param_scheduler = dict(
    type='OneCycleLR', eta_max=5e-3, total_steps=max_epochs, by_epoch=True,
    convert_to_iter_based=True)
auto_scale_lr = dict(base_batch_size=64)
