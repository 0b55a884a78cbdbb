_base_ = ['./uvi_ntu60-rgb-xview.py']  # Table 5: reconstructions alone
model = dict(swap=0., equivariance=0.)
