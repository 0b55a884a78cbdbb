# Recordings of NTU RGB+D 60, cross-view: cameras 2 and 3 train, camera 1 tests; a frame of each of
# 16 segments. DensePose maps; for masked depth set modality='depth' and the folder of
# nturgb+d_depth_masked (docs/data_preparation.md).
data_root = 'data/viewpose/ntu60_densepose/'
loader = dict(
    num_workers=4, persistent_workers=True,
    collate_fn=dict(type='mmviewpose.identity_collate'))
images = dict(
    type='ImageSequenceDataset', data_root=data_root, source='ntu', modality='densepose',
    num_frames=16, sampling='segments', allow_empty=True, pipeline=[dict(type='PackFrames')])

train_dataloader = dict(
    batch_size=5,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='ArrayBatchSampler', drop_last=True),
    dataset=dict(select=dict(xview60=[1]), **images),
    **loader)
test_dataloader = dict(
    batch_size=32,
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='ArrayBatchSampler'),
    dataset=dict(select=dict(xview60=[0]), training=False, **images),
    **loader)
test_evaluator = dict(type='mmaction.AccMetric')
synthetic_config = 'configs/viewpose/uvi-gru_synthetic.py'
