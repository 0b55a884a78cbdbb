# Bandai-Namco motion capture at 30 Hz (docs/data_preparation.md) seen by Human3.6M's cameras: those
# of its training people in training and validation, of its test people in test. Every seventh take
# is held out for test, the next but two for validation.
_base_ = ['./synthetic_clips.py']
data_root = 'data/viewpose/'
camera = dict(
    type='ProjectViews', cameras='data/viewpose/h36m_cameras.npz', subjects=[1, 5, 6, 7, 8],
    angles=[0., 90., 45., 135.])
unseen_camera = dict(camera, subjects=[9, 11])
noise = dict(type='DetectionNoise')
pack = dict(type='PackViews')
train_dataloader = dict(
    dataset=dict(
        _delete_=True, type='MocapViewDataset', data_root=data_root,
        sources=[dict(ann_file='bandai_namco.npz', fold=dict(count=7, keep=[1, 2, 4, 5, 6]))],
        num_views=2, num_frames=27, stride=9,
        pipeline=[camera, noise, dict(type='FlipViews'), pack]))
val_dataloader = dict(
    dataset=dict(
        _delete_=True, type='MocapViewDataset', data_root=data_root,
        sources=[dict(ann_file='bandai_namco.npz', fold=dict(count=7, keep=[3]))],
        num_views=4, num_frames=27, keep_tail=True, prepare=[camera, noise], pipeline=[pack]))
test_dataloader = dict(
    dataset=dict(
        _delete_=True, type='MocapViewDataset', data_root=data_root,
        sources=[dict(ann_file='bandai_namco.npz', fold=dict(count=7, keep=[0]))],
        num_views=4, num_frames=27, keep_tail=True, prepare=[unseen_camera, noise],
        pipeline=[pack]))
synthetic_config = 'configs/viewpose/twoviews_synthetic.py'
