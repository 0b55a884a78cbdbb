# MotionBERT fine-tuned without 3D on SportsPose (Sec. 4.3, Eq. 8), from mmpose's weights. The views
# are the paper's two; others (Sec. 4.7):
#   --cfg-options train_dataloader.batch_sampler.views="['right','front-right']"
_base_ = [
    '../_base_/lifting_runtime.py',
    '../_base_/models/motionbert_lifter.py',
    '../_base_/datasets/view_archive.py',
    '../_base_/schedules/motionbert_finetune.py',
]
model = dict(
    reprojection=dict(type='ReprojectionLoss'),
    consistency=dict(type='MultiviewConsistencyLoss', num_views=2, loss_weight=0.3),
    init_cfg=dict(
        type='Pretrained',
        checkpoint='https://download.openmmlab.com/mmpose/v1/body_3d_keypoint/pose_lift/h36m/'
        'motionbert_ft_h36m-d80af323_20230531.pth'))
train_dataloader = dict(
    batch_sampler=dict(views=['right', 'back']),
    dataset=dict(sources=[
        dict(ann_file='sportspose.npz', select=dict(split=['train']), use_3d=False)]))
val_dataloader = dict(
    dataset=dict(sources=[
        dict(ann_file='sportspose.npz', select=dict(split=['val'], view=['right']))]))
test_dataloader = dict(
    dataset=dict(sources=[
        dict(ann_file='sportspose.npz', select=dict(split=['test'], view=['right']))]))
