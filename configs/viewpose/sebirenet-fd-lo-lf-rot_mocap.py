# Table 3, last but one row: no view-transferred poses.
_base_ = ['./sebirenet_mocap.py']
model = dict(transfer=(0., 0.))
