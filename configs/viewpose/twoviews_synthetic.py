# A lifter from scratch with 3D and consistency (Eq. 6) on the built-in synthetic people: runs
# without a download.
_base_ = [
    '../_base_/lifting_runtime.py',
    '../_base_/models/tcn_lifter_3d.py',
    '../_base_/datasets/synthetic_clips.py',
    '../_base_/schedules/conv_muon_onecycle.py',
]
model = dict(consistency=dict(type='MultiviewConsistencyLoss', num_views=2, loss_weight=0.2))
