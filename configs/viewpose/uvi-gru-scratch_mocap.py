# Without pretraining: supervised.
_base_ = ['./uvi-gru-finetune_mocap.py']
model = dict(backbone=dict(encoder=dict(init_cfg=None)))
max_epochs = 24
train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(optimizer=dict(_delete_=True, **_base_.muon))
param_scheduler = dict(eta_max=_base_.muon.lr, total_steps=max_epochs)
