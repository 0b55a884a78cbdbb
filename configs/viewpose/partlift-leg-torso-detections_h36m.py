# Legs and torso from a detector's key points: archive of views.py h36m --detections
# (docs/data_preparation.md), perspective.
_base_ = ['./partlift-leg-torso_h36m.py']
model = dict(projection='perspective')
detected = dict(
    _delete_=True, type='ViewPoseDataset', data_root='data/viewpose/',
    pipeline=[dict(type='PackLifting')])
train_dataloader = dict(
    dataset=dict(
        detected, sources=[dict(ann_file='h36m_views.npz', select=dict(subject=[1, 5, 6, 7, 8]))]))
test_dataloader = dict(
    dataset=dict(
        detected, with_3d=True,
        sources=[dict(ann_file='h36m_views.npz', select=dict(subject=[9, 11]))]))
