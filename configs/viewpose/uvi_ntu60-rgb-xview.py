# View-invariant posture from NTU RGB+D 60 without labels, cross-view: the paper's networks, weights
# and schedule. "rgb" are, as in the paper, DensePose maps of the colour videos.
_base_ = [
    '../_base_/uvi_runtime.py',
    '../_base_/models/view_autoencoder.py',
    '../_base_/datasets/ntu60_images.py',
    '../_base_/schedules/adam_views.py',
]
