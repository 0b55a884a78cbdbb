# Table 1: the encoder's structures are compared with a decoder of three dense layers.
_base_ = ['./sebirenet-denoise_mocap.py']
model = dict(decoder=dict(_delete_=True, type='MLPDecoder', skeleton='ape17'))
