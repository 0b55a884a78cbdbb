# The encoder for recognition: people stand upright, so branch A is turned about the vertical and
# tilted a little, branch B turned by a further angle and corrupted on its own. Recognition wants a
# gentler training than denoising: with the base's optimizer, or 25 epochs, poses were recovered
# better and actions told apart no better (on N-UCLA's training views).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/sebirenet.py',
    '../_base_/datasets/mocap_poses.py',
    '../_base_/schedules/muon_onecycle.py',
]
optim_wrapper = dict(_delete_=True, optimizer=dict(type='Adam', lr=3e-3))
param_scheduler = dict(eta_max=3e-3)
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='MirrorPoses'),
            dict(type='ScaleBones', factors=(0.75, 1.25)),
            dict(type='ScalePoses', factors=(0.9, 1.1)),
            dict(type='RotatePoses', mode='yaw', tilt_degrees=15.),
            dict(type='CopyToViews', num_views=2),
            dict(type='RotatePoses', mode='yaw', view=1),
            dict(type='CorruptJoints', clean_prob=0.2, jitter=50.),
            dict(type='PackPoses'),
        ]))
