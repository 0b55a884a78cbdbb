# Actions of the built-in people from the frozen encoder of uvi_synthetic.py.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/pose_image_gru_small.py',
    '../_base_/datasets/rendered_sequences.py',
    '../_base_/schedules/adam_probe.py',
]
encoder_checkpoint = 'work_dirs/uvi_synthetic/epoch_2.pth'
encode = dict(encoder=dict(init_cfg=dict(checkpoint=encoder_checkpoint)))
train_dataloader = dict(dataset=dict(encode={{_base_.encode}}))
test_dataloader = dict(dataset=dict(encode={{_base_.encode}}))
test_cfg = dict()
