# Table 3's 2D ResNet as the pose encoder, from scratch; the paper does not say which.
_base_ = ['./uvi_ntu60-rgb-xview.py']
model = dict(
    pose_encoder=dict(type='ResNetPoseEncoder', backbone=dict(type='mmpose.ResNet', depth=18)))
