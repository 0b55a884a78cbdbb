# 2D to 3D on the built-in synthetic people: runs without a download.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/sebirenet_lifter.py',
    '../_base_/datasets/synthetic_views.py',
    '../_base_/schedules/muon_onecycle.py',
]
