# The networks of the paper's Table 1 and the weights of its Eq. 8: swap 1, equivariance 0.001,
# reconstruction 1. The paper's equivariance term is in pixels, as far as it says. In our unit, half
# an image's side, its 0.001 would be 0.001 * 64 ** 2 = 4.1 at 128 px: model.equivariance=4.1.
model = dict(
    type='ViewAutoEncoder',
    pose_encoder=dict(type='PoseImageEncoder'),
    view_encoder=dict(type='ViewpointEncoder'),
    decoder=dict(type='PoseImageDecoder'))
