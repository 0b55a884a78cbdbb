_base_ = ['./mcss-v12_mocap.py']
model = dict(metric_loss=None)
