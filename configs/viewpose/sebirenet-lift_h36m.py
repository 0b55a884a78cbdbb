# 2D to 3D on Human3.6M (Table 4): subjects 1, 5, 6, 7, 8 train, 9 and 11 test, every pose seen by
# the camera that recorded it. Archive: skeletons.py h36m --fps 0 --cameras cameras.pkl
# (docs/data_preparation.md). Joints are those of ape17, so that errors are near, not equal, to
# those over Human3.6M's own 17.
_base_ = ['./sebirenet-lift_synthetic.py']
data_root = 'data/viewpose/'
photograph = dict(
    type='ProjectPoses', cameras='data/viewpose/h36m_cameras.npz', own_camera=True)
pack = dict(type='PackLifting')
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='PoseDataset',
        data_root=data_root,
        sources=[dict(ann_file='h36m.npz', select=dict(subject=[1, 5, 6, 7, 8]))],
        centred=False,
        prepare=[photograph],
        pipeline=[pack]))
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='PoseDataset',
        data_root=data_root,
        sources=[dict(ann_file='h36m.npz', select=dict(subject=[9, 11]))],
        centred=False,
        prepare=[photograph],
        pipeline=[pack]))
# the last epoch is tested, none is chosen
val_dataloader = None
val_cfg = None
val_evaluator = None
synthetic_config = 'configs/viewpose/sebirenet-lift_synthetic.py'
