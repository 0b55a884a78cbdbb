# Trained on MPI-INF-3DHP's own 2D, tested on its test people.
_base_ = ['./partlift-full_h36m-3dhp.py']
train_dataloader = dict(
    dataset=dict(
        sources=[dict(ann_file='3dhp_train.npz')],
        prepare=[dict(type='ProjectPoses', cameras='data/viewpose/3dhp_train_cameras.npz',
                      own_camera=True, projection='orthographic')]))
