_base_ = ['./uvi_mocap.py']  # and a term that the paper does not have: no view's own mean pose
model = dict(view_bias=0.3)
