_base_ = ['./mcss_mocap-v12.py']
model = dict(metric_loss=None)
