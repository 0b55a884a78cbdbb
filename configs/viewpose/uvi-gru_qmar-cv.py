# Scores of QMAR's walking with Parkinson's (W-P), cross-view, from the frozen encoder that NTU
# RGB+D pretrained (Table 6). A recording gives one clip an epoch.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/pose_image_gru.py',
    '../_base_/datasets/qmar_images.py',
    '../_base_/schedules/adam_image_gru.py',
]
model = dict(cls_head=dict(num_classes=5))  # scores 0 to 4
