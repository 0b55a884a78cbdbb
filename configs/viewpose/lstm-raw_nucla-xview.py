# The paper's baseline "raw coordinates": joints in the camera's frame, last state, no augmentation.
_base_ = ['./lstm-joints_nucla-xview.py']
model = dict(
    backbone=dict(poses='raw', translation=None, normalise=False, temporal='last'),
    cls_head=dict(label_smooth_eps=0.))
plain = [dict(type='ResampleFrames', num_frames=40), dict(type='PackActions')]
train_dataloader = dict(dataset=dict(prepare=[], pipeline=plain))
test_dataloader = dict(dataset=dict(prepare=[]))
