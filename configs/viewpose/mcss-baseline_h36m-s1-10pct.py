_base_ = ['./mcss_h36m-s1-10pct.py']  # the paper's baseline: the pose loss alone
model = dict(metric_loss=None)
