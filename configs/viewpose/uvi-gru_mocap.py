# Actions of rendered motion capture from the frozen encoder of uvi_mocap.py (unsupervised).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/pose_image_gru_small.py',
    '../_base_/datasets/rendered_sequences_mocap.py',
    '../_base_/schedules/adam_image_gru_small.py',
]
train_dataloader = dict(dataset=dict(encode={{_base_.encode}}))
test_dataloader = dict(dataset=dict(encode={{_base_.encode}}))
