# Depth from 2D alone, the whole body at once, reduced to what a CPU does in minutes. Human3.6M's
# cameras look down by 12.6 degrees on average; that this is known tells the sign of depth.
_base_ = [
    '../_base_/partlift_runtime.py',
    '../_base_/models/part_lifter.py',
    '../_base_/datasets/mocap_planar.py',
    '../_base_/schedules/adversarial_muon.py',
]
model = dict(lifter=dict(width=128), critic=dict(width=128), pitch=12.6)
