# SeBiReNet's denoising auto-encoder on the built-in synthetic people: runs without a download.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/sebirenet.py',
    '../_base_/datasets/synthetic_poses.py',
    '../_base_/schedules/adam_onecycle.py',
]
