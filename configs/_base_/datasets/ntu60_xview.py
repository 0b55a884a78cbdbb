# NTU RGB+D 60, cross-view: cameras 2 and 3 train, camera 1 tests. Up to two people a sequence:
# convert with --bodies all (docs/data_preparation.md); with --bodies main there is one.
# The archive has a label for each protocol: 1 training, 0 test, -1 not part of it.
data_root = 'data/viewpose/'
size = dict(type='ScaleToBoneLength', total=3900.)
frames = 40
loader = dict(num_workers=0, collate_fn=dict(type='mmviewpose.identity_collate'))
archive = dict(
    type='ActionDataset', data_root=data_root, ann_file='ntu60.npz', num_frames=64, num_people=2,
    prepare=[size])

train_dataloader = dict(
    batch_size=128,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='ArrayBatchSampler'),
    dataset=dict(
        select=dict(xview60=[1]),
        pipeline=[
            dict(type='ResampleFrames', num_frames=frames, crop=(0.7, 1.)),
            dict(type='RotatePoses', mode='yaw', tilt_degrees=15.),
            dict(type='PackActions', keys=('subject', 'camera')),
        ],
        **archive),
    **loader)
test_dataloader = dict(
    batch_size=256,
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='ArrayBatchSampler'),
    dataset=dict(
        select=dict(xview60=[0]),
        pipeline=[
            dict(type='ResampleFrames', num_frames=frames),
            dict(type='PackActions', keys=('subject', 'camera')),
        ],
        **archive),
    **loader)
test_evaluator = dict(type='mmaction.AccMetric')
test_cfg = dict()
synthetic_config = 'configs/viewpose/sebirenet_synthetic.py'
