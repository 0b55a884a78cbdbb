_base_ = ['./mcss_mocap-v123.py']
model = dict(metric_loss=None)
