# The published code's viewpoint encoder, and where it takes rotations from: evenly from the image,
# another frame and the shifted image.
_base_ = ['./uvi_ntu60-rgb-xview.py']
model = dict(
    view_encoder=dict(channels=(128, 128), hidden=256),
    rotation_from=dict(own=1., partner=1., shifted=1.))
