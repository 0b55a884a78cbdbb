_base_ = ['./uvi_ntu60-rgb-xview.py']  # Table 5: equivariance and reconstructions
model = dict(swap=0.)
