# Table 1: the conventional tree.
_base_ = ['./sebirenet-mlp_mocap.py']
model = dict(encoder=dict(structure='leaf_to_root'))
