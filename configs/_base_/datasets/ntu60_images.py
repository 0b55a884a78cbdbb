# Moments of NTU RGB+D 60, cross-view: cameras 2 and 3 train. The test is of the people who do not
# train in cross-subject, seen by all three cameras, for one camera alone has no views to compare;
# camera 1 is the one that nobody trained on. DensePose maps; for masked depth set modality='depth'
# and the folder of nturgb+d_depth_masked (docs/data_preparation.md).
data_root = 'data/viewpose/ntu60_densepose/'
loader = dict(
    num_workers=4, persistent_workers=True,
    collate_fn=dict(type='mmviewpose.identity_collate'))
images = dict(
    type='ImageMomentDataset', data_root=data_root, source='ntu', modality='densepose',
    spare_frames=8, allow_empty=True)

train_dataloader = dict(
    batch_size=5,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='ArrayBatchSampler', drop_last=True),
    dataset=dict(
        select=dict(xview60=[1]),
        pipeline=[
            dict(type='FlipImages'),
            dict(type='ShiftImages'),
            dict(type='PackImages'),
        ],
        **images),
    **loader)
val_dataloader = dict(
    batch_size=32,
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='ArrayBatchSampler'),
    dataset=dict(
        select=dict(xsub60=[0]),
        num_views=3,
        stride=50,
        training=False,
        pipeline=[
            dict(type='ShiftImages'),
            dict(type='PackImages', keys=('images', 'shifted')),
        ],
        **images),
    **loader)
test_dataloader = val_dataloader
val_evaluator = [dict(type='ViewImageError'), dict(type='ViewLeakage', seen=[2, 3])]
test_evaluator = val_evaluator
synthetic_config = 'configs/viewpose/uvi_synthetic.py'
