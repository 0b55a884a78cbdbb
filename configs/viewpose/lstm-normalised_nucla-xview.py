# The paper's baseline "normalized coordinates": less the joints' mean, divided by their deviation.
_base_ = ['./lstm-raw_nucla-xview.py']
model = dict(backbone=dict(poses='normalised'))
