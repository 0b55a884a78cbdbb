# Multi-view consistency (Sec. 4.2: fine-tuning with 3D) in mmpose's own MotionBERT config. The
# pipeline is mmpose's without RandomFlipAroundRoot, which flips each view on its own.
_base_ = ['mmpose::body_3d_keypoint/motionbert/h36m/'
          'motionbert_dstformer-ft-243frm_8xb32-120e_h36m.py']
train_dataloader = dict(
    batch_sampler=dict(type='mmviewpose.MultiviewBatchSampler', num_views=2, group_by='h36m'),
    dataset=dict(pipeline=[
        dict(type='GenerateTarget', encoder={{_base_.train_codec}}),
        dict(type='PackPoseInputs', meta_keys=('id', 'target_img_path', 'flip_indices'))]))
model = dict(
    data_preprocessor=dict(type='mmviewpose.MultiviewPoseDataPreprocessor', num_views=2),
    head=dict(loss=dict(_delete_=True, type='mmviewpose.SumLoss', losses=[
        dict(type='MPJPEVelocityJointLoss'),
        dict(type='mmviewpose.MultiviewConsistencyLoss', num_views=2, loss_weight=0.2)])))
synthetic_config = 'configs/viewpose/twoviews_synthetic.py'
