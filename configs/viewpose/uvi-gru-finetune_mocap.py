# The encoder of uvi_mocap.py trained on with the actions.
_base_ = ['./uvi-gru_mocap.py']
model = dict(backbone=dict(
    in_channels=None, encoder={{_base_.encoder}}, frozen=False, normalise=False))
train_dataloader = dict(batch_size=8, dataset=dict(encode=None))
test_dataloader = dict(dataset=dict(encode=None))
max_epochs = 16
train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = dict(eta_max=1e-3, total_steps=max_epochs)
auto_scale_lr = dict(base_batch_size=8)
