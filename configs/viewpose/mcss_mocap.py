# Poses of rendered Bandai-Namco motion capture from the labels of one of eleven people.
_base_ = [
    '../_base_/mcss_runtime.py',
    '../_base_/models/multiview_embedding_small.py',
    '../_base_/datasets/mcss_mocap.py',
    '../_base_/schedules/muon_mcss_onecycle.py',
]
