# Table 1: the diffuse subnet.
_base_ = ['./sebirenet-mlp_mocap.py']
model = dict(encoder=dict(structure='root_to_leaf'))
