# Built-in synthetic people, corrupted as in the paper's Sec. 4.1; nothing to download.
# Test poses are other people than the training ones.
train_pipeline = [
    dict(type='MirrorPoses'),
    dict(type='ScaleBones', factors=(0.9, 1.1)),
    dict(type='RotatePoses', mode='so3'),
    dict(type='CopyToViews', num_views=2),
    dict(type='RotatePoses', mode='so3', view=1),
    dict(type='CorruptJoints', num_joints=(1, 5), distance=(200., 600.)),
    dict(type='PackPoses'),
]
test_prepare = [
    dict(type='CorruptJoints', num_joints=(1, 5), distance=(200., 600.)),
]
loader = dict(num_workers=0, collate_fn=dict(type='mmviewpose.identity_collate'))

train_dataloader = dict(
    batch_size=256,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='ArrayBatchSampler', drop_last=True),
    dataset=dict(type='SyntheticPoseDataset', num_poses=30000, seed=0, pipeline=train_pipeline),
    **loader)
val_dataloader = dict(
    batch_size=1024,
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='ArrayBatchSampler'),
    dataset=dict(type='SyntheticPoseDataset', num_poses=5000, seed=1, prepare=test_prepare,
                 pipeline=[dict(type='PackPoses')]),
    **loader)
test_dataloader = val_dataloader
val_evaluator = dict(type='PoseErrorMetric', modes=('mpjpe', ), group_by='num_moved')
test_evaluator = val_evaluator
