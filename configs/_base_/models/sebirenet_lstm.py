# pose_lstm.py on the features of a frozen encoder, that of sebirenet_mocap.py; another:
# --cfg-options encoder_checkpoint=FILE
_base_ = ['./pose_lstm.py']
encoder_checkpoint = 'work_dirs/sebirenet_mocap/epoch_12.pth'
model = dict(
    backbone=dict(
        encoder=dict(
            type='SeBiReNetEncoder',
            init_cfg=dict(type='Pretrained', checkpoint=encoder_checkpoint, prefix='encoder.'))))
