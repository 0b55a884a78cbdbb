# Table 1: SeBiReNet run twice.
_base_ = ['./sebirenet-mlp_mocap.py']
model = dict(encoder=dict(structure='recurrent'))
