# View-invariant posture from rendered Bandai-Namco motion capture, small networks.
_base_ = [
    '../_base_/uvi_small_runtime.py',
    '../_base_/models/view_autoencoder_small.py',
    '../_base_/datasets/rendered_moments_mocap.py',
    '../_base_/schedules/muon_views_onecycle.py',
]
