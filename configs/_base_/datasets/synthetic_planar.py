# Built-in synthetic people seen by four built-in cameras, orthographic; nothing to download. Test poses
# are other people than the training ones.
photograph = dict(type='ProjectPoses', projection='orthographic')
pack = dict(type='PackLifting')
loader = dict(num_workers=0, collate_fn=dict(type='mmviewpose.identity_collate'))

train_dataloader = dict(
    batch_size=256,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='ArrayBatchSampler', drop_last=True),
    dataset=dict(
        type='SyntheticPoseDataset', num_poses=20000, seed=0,
        pipeline=[dict(type='MirrorPoses'), photograph, pack]),
    **loader)
val_dataloader = dict(
    batch_size=1024,
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='ArrayBatchSampler'),
    dataset=dict(type='SyntheticPoseDataset', num_poses=5000, seed=1, prepare=[photograph],
                 pipeline=[pack]),
    **loader)
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='PoseErrorMetric', modes=('pa-mpjpe', 'pa-mpjpe-reflect', 'n-mpjpe')),
    dict(type='DepthCorrelation'),
]
test_evaluator = [
    *val_evaluator,
    dict(type='PoseErrorMetric', modes=('pa-mpjpe', ), pred_key='flat', prefix='flat'),
]
