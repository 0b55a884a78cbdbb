_base_ = ['./mcss_h36m-s1-v123.py']
model = dict(metric_loss=None)
