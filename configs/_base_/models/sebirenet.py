# The Siamese denoising auto-encoder of SeBiReNet (paper, Fig. 2).
# The weights of Eq. 11 here are for losses averaged over samples and terms and for Adam; the
# paper's own and the published code's stand in sebirenet_ape.py and sebirenet-published_ape.py.
model = dict(
    type='SiameseAutoEncoder',
    encoder=dict(type='SeBiReNetEncoder', skeleton='ape17', hidden_channels=32),
    decoder=dict(type='SeBiReNetDecoder', skeleton='ape17', hidden_channels=32),
    skeleton='ape17',
    reconstruction=(1., 1.),
    transfer=(0.5, 0.5),
    feature=1.,
    feature_norm='mean_square',
    orthogonality=0.1)
