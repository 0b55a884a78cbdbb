_base_ = ['./mcss-v123_mocap.py']
model = dict(metric_loss=None)
