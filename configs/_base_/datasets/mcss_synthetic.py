# Built-in synthetic people, rendered in colour, seen by four cameras at the corners of a square,
# as in Human3.6M, and facing anywhere; nothing to download. Five people train, of whom one is
# labelled; others are for choosing settings (101) and for the test (201, 202). A batch has 24 pairs
# and 8 labelled images.
film = dict(image_size=64, azimuths=[45., 135., 225., 315.], jitter=10., turn=180.)
loader = dict(num_workers=0, collate_fn=dict(type='mmviewpose.identity_collate'))
pipeline = [dict(type='CanonicalPose', skeleton='ape17'), dict(type='PackPoseImages')]
people = dict(type='RenderedPoseDataset', pipeline=pipeline)
tested = dict(training=False, film=dict(stride=10, **film), **people)
testing = dict(
    batch_size=256,
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='ArrayBatchSampler'),
    **loader)

train_dataloader = dict(
    batch_size=2 * 24 + 8,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='PairBatchSampler', pairs=24, regression=8, min_gap=12),
    dataset=dict(
        num_synthetic=60, synthetic_seed=0, film=dict(stride=4, **film),
        labels=dict(subjects=[1]), **people),
    **loader)
val_dataloader = dict(dataset=dict(num_synthetic=12, synthetic_seed=1, **tested), **testing)
test_dataloader = dict(dataset=dict(num_synthetic=24, synthetic_seed=2, **tested), **testing)
val_evaluator = dict(type='PoseErrorMetric', modes=('mpjpe', 'n-mpjpe', 'pa-mpjpe'))
test_evaluator = [val_evaluator, dict(type='RetrievalMetric')]
