# Actions of the built-in people from the frozen encoder of uvi_synthetic.py.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/pose_image_gru_small.py',
    '../_base_/datasets/rendered_sequences.py',
    '../_base_/schedules/adam_image_gru_small.py',
]
encoder_checkpoint = 'work_dirs/uvi_synthetic/epoch_2.pth'
encode = dict(
    type='EncodeImages',
    encoder=dict(
        type='PoseImageBackbone',
        network={{_base_.encoder.network}},
        init_cfg=dict(
            type='Pretrained', checkpoint=encoder_checkpoint, prefix='pose_encoder.')))
train_dataloader = dict(dataset=dict(encode=encode))
test_dataloader = dict(dataset=dict(encode=encode))
