# 2D to 3D on motion capture (people and takes as in sebirenet_mocap.py) seen by Human3.6M's
# cameras: those of its training people in training, of its test people in test.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/sebirenet_lifter.py',
    '../_base_/datasets/mocap_poses.py',
    '../_base_/schedules/muon_onecycle.py',
]
photograph = dict(type='ProjectPoses', cameras='data/viewpose/h36m_cameras.npz')
seen = dict(photograph, subjects=[1, 5, 6, 7, 8])
unseen = [dict(photograph, subjects=[9, 11])]
pack = dict(type='PackLifting')
train_dataloader = dict(
    dataset=dict(pipeline=[
        dict(type='MirrorPoses'),
        dict(type='ScaleBones', factors=(0.9, 1.1)),
        seen,
        pack,
    ]))
val_dataloader = dict(dataset=dict(prepare=[seen], pipeline=[pack]))
test_dataloader = dict(dataset=dict(prepare=unseen, pipeline=[pack]))
val_evaluator = dict(
    _delete_=True, type='PoseErrorMetric', modes=('mpjpe', 'pa-mpjpe'), root=0)
test_evaluator = val_evaluator
synthetic_config = 'configs/viewpose/sebirenet-lift_synthetic.py'
