# Without pretraining: supervised. Muon learns in these few steps what Adam does not.
_base_ = ['./uvi-gru-finetune_mocap.py']
model = dict(backbone=dict(encoder=dict(init_cfg=None)))
max_epochs = 24
train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(
    optimizer=dict(
        _delete_=True, type='StackedMuon', lr=1e-2, adam_ratio=0.1, axes=(2, 4), largest=300000))
param_scheduler = dict(eta_max=1e-2, total_steps=max_epochs)
