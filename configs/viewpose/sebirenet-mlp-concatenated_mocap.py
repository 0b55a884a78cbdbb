# Table 1: both subnets side by side.
_base_ = ['./sebirenet-mlp_mocap.py']
model = dict(encoder=dict(structure='concatenated'))
