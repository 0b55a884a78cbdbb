# Features of legs and torso, then all depths from both.
_base_ = ['./partlift-full_mocap.py']
model = dict(parts='leg-torso', lifter=dict(blocks=2, combine_blocks=2))
