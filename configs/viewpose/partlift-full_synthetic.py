# Depth from 2D alone on the built-in synthetic people: runs without a download. The built-in
# cameras look down by 6.3 degrees; that this is known tells the sign of depth.
_base_ = [
    '../_base_/partlift_runtime.py',
    '../_base_/models/part_lifter.py',
    '../_base_/datasets/synthetic_planar.py',
    '../_base_/schedules/adversarial_muon.py',
]
model = dict(lifter=dict(width=128), critic=dict(width=128), pitch=6.3)
