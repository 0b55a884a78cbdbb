# Frozen SeBiReNet encoder + LSTM. The encoder is that of sebirenet_mocap.py; another, such as the
# one that ships: --cfg-options encoder_checkpoint=mmviewpose/weights/sebirenet.pth
# It runs once over all copies; sebirenet-lstm_ntu60-xview.py has it in the model.
_base_ = ['./lstm-joints_nucla-xview.py']
encoder_checkpoint = 'work_dirs/sebirenet_mocap/epoch_12.pth'
encode = dict(
    type='EncodePoses',
    encoder=dict(
        type='SeBiReNetEncoder',
        init_cfg=dict(type='Pretrained', checkpoint=encoder_checkpoint, prefix='encoder.')))
model = dict(backbone=dict(feature_channels=16))
train_dataloader = dict(dataset=dict(prepare=[
    {{_base_.size}}, {{_base_.mirrored}}, {{_base_.part}}, {{_base_.turned}}, encode]))
test_dataloader = dict(dataset=dict(prepare=[{{_base_.size}}, {{_base_.whole}}, encode]))
