# Legs and torso, each lifted on its own.
_base_ = ['./partlift-full_synthetic.py']
model = dict(parts='leg-torso', lifter=dict(blocks=3))
