# Table 2: trained on Human3.6M (partlift-full_h36m.py), tested on MPI-INF-3DHP's test people, by
# activity.
_base_ = ['./partlift-full_h36m.py']
test_dataloader = dict(
    dataset=dict(
        sources=[dict(ann_file='3dhp_test.npz')],
        prepare=[dict(type='ProjectPoses', cameras='data/viewpose/3dhp_test_cameras.npz',
                      own_camera=True, projection='orthographic')],
        pipeline=[dict(type='PackLifting', keys=('subject', 'camera', 'activity'))]))
test_evaluator = [
    dict(type='PoseErrorMetric', modes=('pck3d', 'auc', 'pa-mpjpe'), group_by='activity', root=0),
    dict(type='DepthCorrelation', skeleton='h36m17'),
]
