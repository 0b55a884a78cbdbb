# CMU and Bandai-Namco motion capture at 30 Hz (docs/data_preparation.md) seen by Human3.6M's
# cameras: those of its training people in training and validation, of its test people in test;
# orthographic. Held out for test: CMU's subject 3, a person never seen in training, and every
# seventh take of Bandai-Namco; for validation: other takes of the training people.
_base_ = ['./synthetic_planar.py']
data_root = 'data/viewpose/'
photograph = dict(
    type='ProjectPoses', cameras='data/viewpose/h36m_cameras.npz', subjects=[1, 5, 6, 7, 8],
    projection='orthographic')
unseen = dict(photograph, subjects=[9, 11])
pack = dict(type='PackLifting')
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='PoseDataset',
        data_root=data_root,
        sources=[
            dict(ann_file='cmu.npz', drop=dict(subject=[3]),
                 fold=dict(count=7, keep=[0, 1, 2, 4, 5, 6])),
            dict(ann_file='bandai_namco.npz', fold=dict(count=7, keep=[1, 2, 4, 5, 6])),
        ],
        pipeline=[dict(type='MirrorPoses'), photograph, pack]))
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='PoseDataset',
        data_root=data_root,
        sources=[
            dict(ann_file='cmu.npz', drop=dict(subject=[3]), fold=dict(count=7, keep=[3])),
            dict(ann_file='bandai_namco.npz', fold=dict(count=7, keep=[3])),
        ],
        prepare=[photograph],
        pipeline=[pack]))
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='PoseDataset',
        data_root=data_root,
        sources=[dict(ann_file='cmu.npz', select=dict(subject=[3]))],
        prepare=[unseen],
        pipeline=[pack]))
synthetic_config = 'configs/viewpose/partlift-full_synthetic.py'
