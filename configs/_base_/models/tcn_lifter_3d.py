# The small lifter with L_3D (two_views, Eq. 5). MotionBERT's weight of the velocity, 20, slows it.
_base_ = ['./tcn_lifter.py']
model = dict(
    position=dict(type='JointPositionLoss'),
    velocity=dict(type='VelocityLoss', loss_weight=0.2),
    scale=dict(type='ScaleLoss', loss_weight=0.5))
