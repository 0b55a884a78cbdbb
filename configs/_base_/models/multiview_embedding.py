# The paper's networks (Sec. 4): ResNet-18 from ImageNet's weights, batch normalisation without
# affine parameters, an embedding of 128 numbers, a pose head of two layers. ResNet-34 (Table 2) is
# depth=34 and resnet34. The baseline is metric_loss=None, metric learning alone pose_head=None.
# The mean of absolute differences is our reading of L1; the paper's norm, their sum over 16 joints,
# is pose_loss.loss_weight=48.
model = dict(
    type='MultiviewEmbeddingRegressor',
    backbone=dict(
        type='mmpose.ResNet', depth=18, norm_cfg=dict(type='BN', affine=False),
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet18')),
    embedding_head=dict(type='EmbeddingHead', in_channels=512, image_size=224, channels=128),
    pose_head=dict(type='CanonicalPoseHead', in_channels=128, skeleton='h36m17'),
    metric_loss=dict(type='HardnetLoss', alpha=0.6, beta=0.3),
    pose_loss=dict(type='mmpose.L1Loss'))
