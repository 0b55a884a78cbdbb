# Cameras that move: one alignment a frame.
_base_ = ['./twoviews-ft2d_mocap.py']
model = dict(consistency=dict(per_frame=True))
moving = dict(_base_.camera, moving=True)
train_dataloader = dict(
    dataset=dict(pipeline=[moving, _base_.noise, dict(type='FlipViews'), _base_.pack]))
