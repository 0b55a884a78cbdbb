# Windows of 243 frames of an archive of views (tools/dataset_converters/views.py and
# multiview_keypoints.py), two of them a clip. Who trains and who tests is the config's.
num_frames = 243
pack = dict(type='PackViews')
loader = dict(num_workers=0, collate_fn=dict(type='mmviewpose.identity_collate'))
dataset = dict(type='MultiviewClipDataset', data_root='data/viewpose/', num_frames=num_frames)

train_dataloader = dict(
    batch_size=32,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='MultiviewBatchSampler', num_views=2, drop_last=True),
    dataset=dict(dataset, stride=81, pipeline=[dict(type='FlipViews'), pack]),
    **loader)
val_dataloader = dict(
    batch_size=32,
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='ArrayBatchSampler'),
    dataset=dict(dataset, keep_tail=True, pipeline=[pack]),
    **loader)
test_dataloader = val_dataloader
val_evaluator = dict(
    type='PoseErrorMetric', modes=('mpjpe', 'n-mpjpe', 'pa-mpjpe', 'mpjve'), group_by='action')
test_evaluator = val_evaluator
synthetic_config = 'configs/viewpose/twoviews_synthetic.py'
