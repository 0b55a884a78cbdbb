_base_ = ['./mcss_mocap-s1s2.py']  # the paper's baseline: the pose loss alone
model = dict(metric_loss=None)
