# Recordings of the built-in people by the cameras of rendered_cameras.py: cameras 2 and 3 train,
# camera 1 tests; a frame of each of 16 segments.
_base_ = ['./rendered_cameras.py']
film = dict(stride=2, **_base_.film)
loader = dict(num_workers=0, collate_fn=dict(type='mmviewpose.identity_collate'))
recordings = dict(type='RenderedSequenceDataset', pipeline=[dict(type='PackFrames')])

train_dataloader = dict(
    batch_size=32,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='ArrayBatchSampler'),
    dataset=dict(
        num_synthetic=160, synthetic_seed=0, film=film, views=[2, 3], **recordings),
    **loader)
test_dataloader = dict(
    batch_size=64,
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='ArrayBatchSampler'),
    dataset=dict(
        num_synthetic=160, synthetic_seed=0, film=film, views=[1], training=False, **recordings),
    **loader)
test_evaluator = dict(type='mmaction.AccMetric')
