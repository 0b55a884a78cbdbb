# Table 2, legs and torso each lifted on its own.
_base_ = ['./partlift-full_h36m-3dhp.py']
model = dict(parts='leg-torso', lifter=dict(blocks=3))
