# Table 1 of the paper, at its size: subjects 1, 5, 6, 7, 8 of Human3.6M train, 9 and 11 test.
# Archive: skeletons.py h36m --layout h36m17 --fps 0 --cameras cameras.pkl
# (docs/data_preparation.md). Every pose is seen by the camera that recorded it, orthographic as in
# the published code; knees and elbows tell the sign of depth.
_base_ = [
    '../_base_/partlift_runtime.py',
    '../_base_/models/part_lifter.py',
    '../_base_/datasets/synthetic_planar.py',
    '../_base_/schedules/adversarial_adam.py',
]
model = dict(
    skeleton='h36m17', depth_sign='anatomy', lifter=dict(norm='affine'),
    critic=dict(norm='affine'))
data_root = 'data/viewpose/'
photograph = dict(
    type='ProjectPoses', cameras='data/viewpose/h36m_cameras.npz', own_camera=True,
    projection='orthographic')
seen = dict(
    type='PoseDataset', data_root=data_root, skeleton='h36m17', centred=False,
    prepare=[photograph], pipeline=[dict(type='PackLifting')])
train_dataloader = dict(
    batch_size=8192,
    dataset=dict(
        _delete_=True, sources=[dict(ann_file='h36m_17.npz',
                                     select=dict(subject=[1, 5, 6, 7, 8]))], **seen))
test_dataloader = dict(
    dataset=dict(
        _delete_=True, sources=[dict(ann_file='h36m_17.npz', select=dict(subject=[9, 11]))],
        **seen))
# the last epoch is tested, none is chosen
val_dataloader = None
val_cfg = None
val_evaluator = None
test_evaluator = [
    dict(type='PoseErrorMetric', modes=('pa-mpjpe', 'pa-mpjpe-reflect', 'n-mpjpe'),
         group_by='action'),
    dict(type='DepthCorrelation', skeleton='h36m17'),
]
default_hooks = dict(
    checkpoint=dict(interval=10), visualization=dict(skeleton='h36m17'))
# no running means of the weights
custom_hooks = [dict(type='TrainingCurvesHook')]
synthetic_config = 'configs/viewpose/partlift-full_synthetic.py'
