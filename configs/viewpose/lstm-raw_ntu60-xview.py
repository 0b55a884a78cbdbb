# The paper's baseline "raw coordinates" on NTU RGB+D 60, cross-view: joints in the camera's frame,
# last state, no augmentation.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/pose_lstm.py',
    '../_base_/datasets/ntu60_xview.py',
    '../_base_/schedules/adam_probe.py',
]
model = dict(
    backbone=dict(poses='raw', translation=None, normalise=False, temporal='last'),
    cls_head=dict(num_classes=60, label_smooth_eps=0.))
plain = [dict(type='ResampleFrames', num_frames=40), dict(type='PackActions')]
train_dataloader = dict(dataset=dict(prepare=[], pipeline=plain))
test_dataloader = dict(dataset=dict(prepare=[]))
