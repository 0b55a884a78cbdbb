_base_ = ['./uvi_ntu60-rgb-xview.py']  # Table 5: swap-invariance and reconstructions
model = dict(equivariance=0.)
