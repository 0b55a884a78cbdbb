# Human3.6M in mmpose's layout (docs/data_preparation.md), Sec. 4.1: every 5th frame of subjects 1,
# 5, 6, 7 and 8 trains, of whom 1 is labelled; every 64th frame of subjects 9 and 11 is the test. A
# batch has 66 pairs and 22 labelled images, moments at least half a second apart (at 50 Hz).
data_root = 'data/h36m/'
loader = dict(
    num_workers=4, persistent_workers=True,
    collate_fn=dict(type='mmviewpose.identity_collate'))
images = dict(
    type='ImagePoseDataset', source='h36m', data_root=data_root, img_prefix='images',
    camera_param_file='annotation_body3d/cameras.pkl', image_size=224,
    pipeline=[dict(type='CanonicalPose', skeleton='h36m17'), dict(type='PackPoseImages')])

train_dataloader = dict(
    batch_size=2 * 66 + 22,
    sampler=dict(type='DefaultSampler', shuffle=True),
    batch_sampler=dict(type='PairBatchSampler', pairs=66, regression=22, min_gap=25),
    # this file has every 5th frame already
    dataset=dict(
        ann_file='annotation_body3d/fps10/h36m_train.npz', subjects=[1, 5, 6, 7, 8], every=5,
        labels=dict(subjects=[1]), **images),
    **loader)
# validation only shows how it goes: nothing is chosen by it
val_dataloader = dict(
    batch_size=128,
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='ArrayBatchSampler'),
    dataset=dict(
        ann_file='annotation_body3d/fps50/h36m_test.npz', subjects=[9, 11], every=64,
        training=False, **images),
    **loader)
test_dataloader = val_dataloader
val_evaluator = dict(type='PoseErrorMetric', modes=('mpjpe', 'n-mpjpe', 'pa-mpjpe'))
test_evaluator = [val_evaluator, dict(type='RetrievalMetric')]
synthetic_config = 'configs/viewpose/mcss_synthetic.py'
