# Fine-tuned with 3D (Sec. 4.2, Eq. 6).
_base_ = ['./twoviews-ft2d_sportspose.py']
model = dict(
    position=dict(type='JointPositionLoss'),
    velocity=dict(type='VelocityLoss', loss_weight=20.),
    scale=dict(type='ScaleLoss', loss_weight=0.5),
    reprojection=None,
    consistency=dict(loss_weight=0.2))
train_dataloader = dict(
    dataset=dict(sources=[dict(ann_file='sportspose.npz', select=dict(split=['train']))]))
