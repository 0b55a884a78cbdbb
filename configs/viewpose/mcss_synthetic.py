# Poses of the built-in people from the labels of one of five: runs without a download.
_base_ = [
    '../_base_/mcss_runtime.py',
    '../_base_/models/multiview_embedding_small.py',
    '../_base_/datasets/mcss_synthetic.py',
    '../_base_/schedules/muon_mcss_onecycle.py',
]
