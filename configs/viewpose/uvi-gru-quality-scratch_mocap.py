# The same without pretraining: the encoder in the model, trained with the scores.
_base_ = ['./uvi-gru-quality_mocap.py']
model = dict(backbone=dict(
    in_channels=None, encoder=dict(type='PoseImageBackbone', network={{_base_.encoder.network}}),
    frozen=False, normalise=False))
train_dataloader = dict(batch_size=8, dataset=dict(encode=None))
test_dataloader = dict(dataset=dict(encode=None))
max_epochs = 4
train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(optimizer=dict(_delete_=True, **_base_.muon))
param_scheduler = dict(eta_max=_base_.muon.lr, total_steps=max_epochs)
auto_scale_lr = dict(base_batch_size=8)
