# Features of five limbs, then all depths from them.
_base_ = ['./partlift-full_mocap.py']
model = dict(parts='limbs', lifter=dict(blocks=1, combine_blocks=1))
