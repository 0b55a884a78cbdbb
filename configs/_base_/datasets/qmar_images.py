# Recordings of one movement of QMAR, cross-view: a frontal and a side view train (2 and 5), the
# other four test. 16-frame clips without overlap: a random one in training, all in the test, whose
# outputs are averaged over `sequence`. The layout is an assumption
# (mmviewpose/datasets/formats/qmar.py).
data_root = 'data/viewpose/qmar/'
movement = 'W-P'
loader = dict(
    num_workers=4, persistent_workers=True,
    collate_fn=dict(type='mmviewpose.identity_collate'))
images = dict(
    type='ImageSequenceDataset', data_root=data_root, source=dict(type='qmar'),
    modality='densepose', num_frames=16, sampling='clips', allow_empty=True,
    pipeline=[dict(type='PackFrames')])

train_dataloader = dict(
    batch_size=5,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='ArrayBatchSampler'),
    dataset=dict(select=dict(movement=[movement], xview=[1]), **images),
    **loader)
test_dataloader = dict(
    batch_size=32,
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='ArrayBatchSampler'),
    dataset=dict(select=dict(movement=[movement], xview=[0]), training=False, **images),
    **loader)
test_evaluator = dict(type='RankCorrelation')
synthetic_config = 'configs/viewpose/uvi-gru_synthetic.py'
