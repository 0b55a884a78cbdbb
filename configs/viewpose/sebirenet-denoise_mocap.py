# The auto-encoder for denoising: any orientation (the base's pipeline), more epochs.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/sebirenet.py',
    '../_base_/datasets/mocap_poses.py',
    '../_base_/schedules/muon_onecycle.py',
]
max_epochs = 32
train_cfg = dict(max_epochs=max_epochs, val_interval=8)
param_scheduler = dict(total_steps=max_epochs)
