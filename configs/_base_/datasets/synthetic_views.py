# Built-in synthetic people seen by four built-in cameras; nothing to download. Test poses are
# other people than the training ones.
photograph = dict(type='ProjectPoses')
pack = dict(type='PackLifting')
train_pipeline = [
    dict(type='MirrorPoses'),
    dict(type='ScaleBones', factors=(0.9, 1.1)),
    photograph,
    pack,
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
    dataset=dict(type='SyntheticPoseDataset', num_poses=5000, seed=1, prepare=[photograph],
                 pipeline=[pack]),
    **loader)
test_dataloader = val_dataloader
val_evaluator = dict(type='PoseErrorMetric', modes=('mpjpe', 'pa-mpjpe'), root=0)
test_evaluator = val_evaluator
