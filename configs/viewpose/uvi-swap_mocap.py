_base_ = ['./uvi_mocap.py']  # Table 5: swap-invariance and reconstructions
model = dict(equivariance=0.)
