# View-invariant posture of the built-in people: runs without a download, in minutes on a CPU.
_base_ = [
    '../_base_/uvi_small_runtime.py',
    '../_base_/models/view_autoencoder_small.py',
    '../_base_/datasets/rendered_moments.py',
    '../_base_/schedules/muon_views_onecycle.py',
]
