# SeBiReNet's denoising auto-encoder on the built-in synthetic people: runs without a download, in
# under three minutes. Upright people, half the base's batch, and no view-transferred poses: they are
# half of what is decoded in a step, and this training is short (Table 3's last but one row).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/sebirenet.py',
    '../_base_/datasets/synthetic_poses.py',
    '../_base_/schedules/muon_onecycle.py',
]
model = dict(transfer=(0., 0.))
max_epochs = 7
train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
param_scheduler = dict(total_steps=max_epochs)
train_dataloader = dict(
    batch_size=128,
    dataset=dict(
        pipeline=[
            dict(type='MirrorPoses'),
            dict(type='ScaleBones', factors=(0.9, 1.1)),
            dict(type='RotatePoses', mode='yaw', tilt_degrees=15.),
            dict(type='CopyToViews', num_views=2),
            dict(type='RotatePoses', mode='yaw', view=1),
            dict(type='CorruptJoints', num_joints=(1, 5), distance=(200., 600.)),
            dict(type='PackPoses'),
        ]))
auto_scale_lr = dict(base_batch_size=128)
