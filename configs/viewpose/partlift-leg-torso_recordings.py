# A lifter out of your own recordings alone (docs/recordings.md), one camera or several, no 3D:
# there is nothing to validate or test against.
_base_ = ['./partlift-leg-torso_synthetic.py']
model = dict(skeleton='h36m17', projection='perspective', pitch=0., depth_sign='anatomy')
train_dataloader = dict(
    dataset=dict(
        _delete_=True, type='ViewPoseDataset', data_root='data/viewpose/',
        sources=[dict(ann_file='recordings.npz')], pipeline=[dict(type='PackLifting')]))
val_cfg, val_dataloader, val_evaluator = None, None, None
test_cfg, test_dataloader, test_evaluator = None, None, None
synthetic_config = 'configs/viewpose/partlift-leg-torso_synthetic.py'
train_cfg = dict(_delete_=True, by_epoch=True, max_epochs=_base_.max_epochs)
