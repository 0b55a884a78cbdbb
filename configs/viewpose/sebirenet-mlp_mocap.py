# Table 1: the encoder's structures are compared as denoisers, with a decoder of three dense layers.
# One branch (Eq. 1) and a quarter of the epochs: only the structure counts, and a training is short.
_base_ = ['./sebirenet-denoise_mocap.py']
model = dict(
    encoder=dict(decompose=False),
    decoder=dict(_delete_=True, type='MLPDecoder', skeleton='ape17'),
    reconstruction=(1., 0.),
    transfer=(0., 0.),
    feature=0.,
    orthogonality=0.)
max_epochs = 8
train_cfg = dict(max_epochs=max_epochs)
param_scheduler = dict(total_steps=max_epochs)
