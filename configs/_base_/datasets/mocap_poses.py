# CMU and Bandai-Namco motion capture at 30 Hz (docs/data_preparation.md). Held out for test: CMU's
# subject 3, a person never seen in training, and every seventh take of Bandai-Namco; for
# validation: other takes of the training people.
_base_ = ['./synthetic_poses.py']

data_root = 'data/viewpose/'
skeletons_seen = [
    dict(ann_file='cmu.npz', drop=dict(subject=[3]), fold=dict(count=7, keep=[0, 1, 2, 4, 5, 6])),
    dict(ann_file='bandai_namco.npz', fold=dict(count=7, keep=[1, 2, 4, 5, 6])),
]
skeletons_val = [
    dict(ann_file='cmu.npz', drop=dict(subject=[3]), fold=dict(count=7, keep=[3])),
    dict(ann_file='bandai_namco.npz', fold=dict(count=7, keep=[3])),
]
skeletons_test = [
    dict(ann_file='cmu.npz', select=dict(subject=[3])),
    dict(ann_file='bandai_namco.npz', fold=dict(count=7, keep=[0])),
]

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='PoseDataset',
        data_root=data_root,
        sources=skeletons_seen,
        pipeline={{_base_.train_pipeline}}))
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='PoseDataset',
        data_root=data_root,
        sources=skeletons_val,
        prepare={{_base_.test_prepare}},
        pipeline=[dict(type='PackPoses')]))
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='PoseDataset',
        data_root=data_root,
        sources=skeletons_test,
        prepare={{_base_.test_prepare}},
        pipeline=[dict(type='PackPoses')]))
synthetic_config = 'configs/viewpose/sebirenet_synthetic.py'
