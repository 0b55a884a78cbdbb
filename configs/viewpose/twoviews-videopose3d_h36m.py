# Multi-view consistency in mmpose's own VideoPose3D config: one pose a window, so a transform
# belongs to one instant.
_base_ = ['mmpose::body_3d_keypoint/video_pose_lift/h36m/'
          'video-pose-lift_tcn-27frm-supv_8xb128-160e_h36m.py']
train_dataloader = dict(
    batch_sampler=dict(type='mmviewpose.MultiviewBatchSampler', num_views=2, group_by='h36m'),
    dataset=dict(pipeline=[
        dict(type='GenerateTarget', encoder={{_base_.codec}}),
        dict(type='PackPoseInputs', meta_keys=('id', 'target_img_path', 'flip_indices'))]))
model = dict(
    data_preprocessor=dict(type='mmviewpose.MultiviewPoseDataPreprocessor', num_views=2),
    head=dict(loss=dict(_delete_=True, type='mmviewpose.SumLoss', losses=[
        dict(type='MPJPELoss'),
        dict(type='mmviewpose.MultiviewConsistencyLoss', num_views=2, loss_weight=0.2)])))
synthetic_config = 'configs/viewpose/twoviews_synthetic.py'
