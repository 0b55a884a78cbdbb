_base_ = ['./uvi_mocap.py']  # Table 5: equivariance and reconstructions
model = dict(swap=0.)
