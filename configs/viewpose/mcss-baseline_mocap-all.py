_base_ = ['./mcss_mocap-all.py']  # the paper's baseline: the pose loss alone
model = dict(metric_loss=None)
