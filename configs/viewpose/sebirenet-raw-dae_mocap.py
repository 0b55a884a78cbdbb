# Table 3, first row: the denoising auto-encoder of Eq. 1 without feature decomposition.
_base_ = ['./sebirenet-fd_mocap.py']
model = dict(encoder=dict(decompose=False))
