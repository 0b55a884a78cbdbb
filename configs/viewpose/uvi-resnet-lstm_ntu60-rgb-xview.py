# Table 3's "2D ResNet + LSTM", frozen; one layer, one way.
_base_ = ['./uvi-gru_ntu60-rgb-xview.py']
encoder_checkpoint = 'work_dirs/uvi-resnet_ntu60-rgb-xview/epoch_20.pth'
model = dict(
    backbone=dict(
        encoder=dict(
            network=dict(type='ResNetPoseEncoder', backbone=dict(type='mmpose.ResNet', depth=18)),
            init_cfg=dict(checkpoint=encoder_checkpoint)),
        cell='lstm', num_layers=1, bidirectional=False),
    cls_head=dict(in_channels=512))
