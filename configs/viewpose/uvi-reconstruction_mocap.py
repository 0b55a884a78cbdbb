_base_ = ['./uvi_mocap.py']  # Table 5: reconstructions alone
model = dict(swap=0., equivariance=0.)
