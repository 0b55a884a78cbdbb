# APE as published by SeBiReNet's authors (docs/data_preparation.md): 52,500 corrupted poses for
# training, 14,000 for testing, which are not looked at in training. Branch A sees the corrupted
# pose as it is, branch B the same corrupted pose rotated.
data_root = 'data/viewpose/ape/'
loader = dict(num_workers=0, collate_fn=dict(type='mmviewpose.identity_collate'))

train_dataloader = dict(
    batch_size=64,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='ArrayBatchSampler', drop_last=True),
    dataset=dict(
        type='ApeDataset',
        data_root=data_root,
        split='train',
        pipeline=[
            dict(type='CopyToViews', num_views=2),
            dict(type='RotatePoses', mode='so3', view=1),
            dict(type='PackPoses'),
        ]),
    **loader)
test_dataloader = dict(
    batch_size=1024,
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='ArrayBatchSampler'),
    dataset=dict(
        type='ApeDataset',
        data_root=data_root,
        split='test',
        pipeline=[dict(type='PackPoses')]),
    **loader)
test_evaluator = dict(type='PoseErrorMetric', modes=('mpjpe', ), group_by='num_moved')
