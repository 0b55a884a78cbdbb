# The downstream model of the paper's Sec. 4 in mmaction2's parts: a frozen pose encoder, a GRU with
# two layers both ways, mean over time, one linear layer. The encoder is that of a uvi_*.py config;
# another: --cfg-options encoder_checkpoint=FILE
encoder_checkpoint = 'work_dirs/uvi_ntu60-rgb-xview/epoch_20.pth'
model = dict(
    type='mmaction.RecognizerGCN',
    data_preprocessor=dict(type='ActionBatchPreprocessor'),
    backbone=dict(
        type='ImageSequenceEncoder',
        encoder=dict(
            type='PoseImageBackbone',
            network=dict(type='PoseImageEncoder'),
            init_cfg=dict(
                type='Pretrained', checkpoint=encoder_checkpoint, prefix='pose_encoder.'))),
    cls_head=dict(
        type='mmaction.GCNHead',
        num_classes=60,
        in_channels=1024,
        average_clips='score',
        loss_cls=dict(type='mmaction.CrossEntropyLoss')))
