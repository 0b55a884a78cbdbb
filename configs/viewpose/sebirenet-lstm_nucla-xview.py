# Frozen SeBiReNet encoder (train it with sebirenet_mocap.py, or use the one that ships) + LSTM.
_base_ = ['./lstm-joints_nucla-xview.py']
encoder_checkpoint = 'work_dirs/sebirenet_mocap/epoch_12.pth'
model = dict(
    backbone=dict(
        encoder=dict(
            type='SeBiReNetEncoder',
            init_cfg=dict(type='Pretrained', checkpoint=encoder_checkpoint, prefix='encoder.'))))
