# The paper's baseline "normalized coordinates" on NTU RGB+D 60, cross-view: joints less their mean,
# divided by their deviation.
_base_ = ['./lstm-raw_ntu60-xview.py']
model = dict(backbone=dict(poses='normalised'))
