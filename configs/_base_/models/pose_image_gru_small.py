# pose_image_gru.py for the encoder of view_autoencoder_small.py, on poses that EncodeImages made
# once: encode in the data sets.
encoder_checkpoint = 'work_dirs/uvi_mocap/epoch_2.pth'
encoder = dict(
    type='PoseImageBackbone',
    network=dict(
        type='PoseImageEncoder', image_size=48, width=16, hidden=(256, 128)),
    init_cfg=dict(type='Pretrained', checkpoint=encoder_checkpoint, prefix='pose_encoder.'))
encode = dict(type='EncodeImages', encoder=encoder)
model = dict(
    type='mmaction.RecognizerGCN',
    data_preprocessor=dict(type='ActionBatchPreprocessor'),
    backbone=dict(
        type='ImageSequenceEncoder', in_channels=210, hidden_channels=128, dropout=0.3,
        normalise=True),
    cls_head=dict(
        type='mmaction.GCNHead',
        num_classes=16,
        in_channels=256,
        dropout=0.3,
        label_smooth_eps=0.1,
        average_clips='score',
        loss_cls=dict(type='mmaction.CrossEntropyLoss')))
