# Table 1's networks at a quarter of the width for images of 48 px: trains on a CPU in minutes. With
# the decoder's sigmoid learning passes the mean image sooner; in so short a training dropout costs
# more than it gives. A tenth of the paper's weight for the reconstructions leaves images to be
# decoded from other views' poses, so that poses do not keep what only their own view's image needs;
# equivariance keeps the paper's ratio to it, 0.001 (docs/methods/uvi.md).
_base_ = ['./view_autoencoder.py']
image_size = 48
model = dict(
    reconstruction=0.1,
    equivariance=1e-4,
    pose_encoder=dict(image_size=image_size, width=16, hidden=(256, 128), spread=1.),
    view_encoder=dict(image_size=image_size, channels=(24, 48), hidden=128, dropout=0.),
    decoder=dict(image_size=image_size, width=16, output='sigmoid', dropout=0.))
