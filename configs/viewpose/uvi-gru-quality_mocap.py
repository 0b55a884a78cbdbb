# Scores of impaired walks and runs from the frozen encoder of uvi_mocap.py, cross-view.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/pose_image_gru_small.py',
    '../_base_/datasets/rendered_quality_mocap.py',
    '../_base_/schedules/adam_image_gru_small.py',
]
model = dict(cls_head=dict(num_classes=5))
train_dataloader = dict(dataset=dict(encode={{_base_.encode}}))
test_dataloader = dict(dataset=dict(encode={{_base_.encode}}))
