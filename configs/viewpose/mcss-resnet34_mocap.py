_base_ = ['./mcss_mocap.py']  # Table 2
model = dict(backbone=dict(depth=34))
