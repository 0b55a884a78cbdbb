# Your own recordings (docs/recordings.md): two uncalibrated cameras, no 3D; the lifter of
# twoviews-pretrain_mocap.py. There is nothing to validate or test against.
_base_ = ['./twoviews-ft2d_mocap.py']
train_dataloader = dict(
    batch_size=32,
    batch_sampler=dict(drop_last=False),
    dataset=dict(
        _delete_=True, type='MultiviewClipDataset', data_root='data/viewpose/',
        sources=[dict(ann_file='recordings.npz')], num_frames=27, stride=3,
        pipeline=[dict(type='FlipViews'), _base_.pack]))
val_cfg, val_dataloader, val_evaluator = None, None, None
test_cfg, test_dataloader, test_evaluator = None, None, None
train_cfg = dict(_delete_=True, by_epoch=True, max_epochs=_base_.max_epochs)
