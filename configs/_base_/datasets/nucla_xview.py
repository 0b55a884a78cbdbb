# N-UCLA, cross-view: views 1 and 2 train (1,020 sequences), view 3 tests (464). 95 test files are
# copies of training files; `unique` is the accuracy on the 369 that are not. To train without
# them: --cfg-options train_dataloader.dataset.drop.also_v3="[1]" (docs/data_preparation.md).
# Each training sequence appears as eight fixed copies: mirrored or not, cropped in time, turned and
# tilted. Chosen on the training views alone (train on view 1, score view 2, and the reverse).
data_root = 'data/viewpose/'
size = dict(type='ScaleToBoneLength', total=3900.)
whole = dict(type='ResampleFrames', num_frames=40)
part = dict(type='ResampleFrames', num_frames=40, crop=(0.7, 1.))
turned = dict(type='RotatePoses', mode='yaw', tilt_degrees=15.)
mirrored = dict(type='MirrorPoses')
loader = dict(num_workers=0, collate_fn=dict(type='mmviewpose.identity_collate'))
archive = dict(type='ActionDataset', data_root=data_root, ann_file='nucla.npz', num_frames=64)
copy_keys = ('also_v1', 'also_v2')

train_dataloader = dict(
    batch_size=64,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='ArrayBatchSampler'),
    dataset=dict(
        select=dict(view=[1, 2]),
        copies=8,
        prepare=[size, mirrored, part, turned],
        pipeline=[dict(type='PackActions')],
        **archive),
    **loader)
test_dataloader = dict(
    batch_size=256,
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='ArrayBatchSampler'),
    dataset=dict(
        select=dict(view=[3]),
        prepare=[size, whole],
        pipeline=[dict(type='PackActions', keys=copy_keys)],
        **archive),
    **loader)
test_evaluator = [
    dict(type='mmaction.AccMetric'),
    dict(type='SubsetAccuracy', drop=dict(also_v1=[1], also_v2=[1]), prefix='unique'),
]
test_cfg = dict()
synthetic_config = 'configs/viewpose/sebirenet_synthetic.py'
