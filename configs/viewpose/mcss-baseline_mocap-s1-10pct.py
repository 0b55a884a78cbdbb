_base_ = ['./mcss_mocap-s1-10pct.py']  # the paper's baseline: the pose loss alone
model = dict(metric_loss=None)
