# Fine-tuning without 3D (Sec. 4.3, Eq. 8): two cameras 90 degrees apart film people whom the lifter
# never saw. Weights come from twoviews-pretrain_mocap.py:
#   --cfg-options encoder_checkpoint=FILE
_base_ = [
    '../_base_/lifting_runtime.py',
    '../_base_/models/tcn_lifter.py',
    '../_base_/datasets/mocap_clips.py',
    '../_base_/schedules/conv_muon_cosine.py',
]
model = dict(
    backbone=dict(dropout=0.),
    reprojection=dict(type='ReprojectionLoss'),
    consistency=dict(type='MultiviewConsistencyLoss', num_views=2, loss_weight=0.3),
    init_cfg=dict(type='Pretrained',
                  checkpoint='work_dirs/twoviews-pretrain_mocap/epoch_20.pth'))
