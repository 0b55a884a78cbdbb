# Fine-tuning with 3D (Sec. 4.2, Eq. 6).
_base_ = ['./twoviews-ft2d_mocap.py']
model = dict(
    position=dict(type='JointPositionLoss'),
    velocity=dict(type='VelocityLoss', loss_weight=0.2),
    scale=dict(type='ScaleLoss', loss_weight=0.5),
    reprojection=None,
    consistency=dict(loss_weight=0.2))
