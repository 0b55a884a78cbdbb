_base_ = ['./mcss_h36m-all.py']  # the paper's baseline: the pose loss alone
model = dict(metric_loss=None)
