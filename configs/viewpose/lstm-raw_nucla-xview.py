# The paper's baseline "raw coordinates": joints in the camera's frame, last state, no augmentation.
_base_ = ['./lstm-joints_nucla-xview.py']
model = dict(
    backbone=dict(poses='raw', translation=None, normalise=False, temporal='last'),
    cls_head=dict(label_smooth_eps=0.))
train_dataloader = dict(dataset=dict(copies=1, prepare=[{{_base_.whole}}]))
max_epochs = 40
train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
param_scheduler = dict(eta_max=2e-3, total_steps=max_epochs)
test_dataloader = dict(dataset=dict(prepare=[{{_base_.whole}}]))
