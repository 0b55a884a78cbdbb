_base_ = ['./mcss_h36m-s1-v12.py']
model = dict(metric_loss=None)
