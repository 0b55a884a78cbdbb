# Built-in synthetic people seen by two or more cameras as a detector sees them; nothing to
# download. Test people and motions are others than the training ones.
num_frames = 27
num_views = 2
camera = dict(type='ProjectViews', angles=[0., 90., 45., 135.])
noise = dict(type='DetectionNoise')
pack = dict(type='PackViews')
train_pipeline = [dict(camera, size=(0.85, 1.15)), noise, dict(type='FlipViews'), pack]
loader = dict(num_workers=0, collate_fn=dict(type='mmviewpose.identity_collate'))

train_dataloader = dict(
    batch_size=96,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='MultiviewBatchSampler', num_views=num_views, drop_last=True),
    dataset=dict(
        type='SyntheticViewDataset', num_clips=120, synthetic_frames=243, synthetic_seed=0,
        num_views=num_views, num_frames=num_frames, stride=9, pipeline=train_pipeline),
    **loader)
val_dataloader = dict(
    batch_size=256,
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='ArrayBatchSampler'),
    dataset=dict(
        type='SyntheticViewDataset', num_clips=60, synthetic_frames=243, synthetic_seed=1,
        num_views=1, num_frames=num_frames, keep_tail=True, prepare=[camera, noise],
        pipeline=[pack]),
    **loader)
test_dataloader = val_dataloader
val_evaluator = dict(type='PoseErrorMetric', modes=('mpjpe', 'n-mpjpe', 'pa-mpjpe', 'mpjve'))
test_evaluator = val_evaluator
