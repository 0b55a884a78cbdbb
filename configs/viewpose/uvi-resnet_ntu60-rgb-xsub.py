_base_ = ['./uvi_ntu60-rgb-xsub.py']  # Table 3's 2D ResNet
model = dict(
    pose_encoder=dict(type='ResNetPoseEncoder', backbone=dict(type='mmpose.ResNet', depth=18)))
