_base_ = ['./mcss_mocap.py']  # Table 2: poses in the world's axes
pipeline = [
    dict(type='CanonicalPose', skeleton='ape17', rotate=False), dict(type='PackPoseImages')]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
val_dataloader = dict(dataset=dict(pipeline=pipeline))
test_dataloader = dict(dataset=dict(pipeline=pipeline))
