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
    # the root is always right, and left out
    dict(type='PoseErrorMetric', modes=('pck3d', 'auc', 'pa-mpjpe'), group_by='activity', root=0,
         joints=list(range(1, 17)), joint_set='16 joints'),
    dict(type='DepthCorrelation', skeleton='h36m17'),
]
