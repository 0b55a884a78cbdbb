# Built-in synthetic people seen by four built-in cameras, orthographic; nothing to download. Test
# poses are other people than the training ones.
_base_ = ['./synthetic_views.py']
photograph = dict(type='ProjectPoses', projection='orthographic')
train_dataloader = dict(
    dataset=dict(
        num_poses=20000, pipeline=[dict(type='MirrorPoses'), photograph, _base_.pack]))
val_dataloader = dict(dataset=dict(prepare=[photograph]))
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='PoseErrorMetric', modes=('pa-mpjpe', 'pa-mpjpe-reflect', 'n-mpjpe')),
    dict(type='DepthCorrelation'),
]
test_evaluator = [
    *val_evaluator,
    dict(type='PoseErrorMetric', modes=('pa-mpjpe', ), pred_key='flat', prefix='flat'),
]
