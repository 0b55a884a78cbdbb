_base_ = ['./mcss_mocap.py']  # the paper's baseline: the pose loss alone
model = dict(metric_loss=None)
