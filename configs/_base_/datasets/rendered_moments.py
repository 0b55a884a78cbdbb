# Built-in synthetic people seen by cameras in step, rendered as DensePose-like part maps; nothing
# to download. Two cameras train; a third, which nobody trained on, is seen in validation and test.
_base_ = ['./rendered_cameras.py']
film = _base_.film
loader = dict(num_workers=0, collate_fn=dict(type='mmviewpose.identity_collate'))
train_pipeline = [
    dict(type='FlipImages', part_map=True), dict(type='ShiftImages'), dict(type='PackImages')]
test_pipeline = [dict(type='ShiftImages'), dict(type='PackImages', keys=('images', 'shifted'))]

train_dataloader = dict(
    batch_size=8,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='ArrayBatchSampler', drop_last=True),
    dataset=dict(
        type='RenderedMomentDataset', num_synthetic=160, synthetic_seed=0,
        film=dict(stride=2, **film), views=[2, 3], pipeline=train_pipeline),
    **loader)
tested = dict(
    type='RenderedMomentDataset', num_synthetic=48, film=dict(stride=6, **film), num_views=3,
    training=False, pipeline=test_pipeline)
testing = dict(
    batch_size=64,
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='ArrayBatchSampler'),
    **loader)
val_dataloader = dict(dataset=dict(synthetic_seed=1, views=[2, 3, 4], **tested), **testing)
test_dataloader = dict(dataset=dict(synthetic_seed=2, views=[1, 2, 3], **tested), **testing)
val_evaluator = [dict(type='ViewImageError'), dict(type='ViewLeakage', seen=[2, 3])]
test_evaluator = val_evaluator
