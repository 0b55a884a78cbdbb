# MPI-INF-3DHP, legs and torso each lifted on its own.
_base_ = ['./partlift-full_3dhp.py']
model = dict(parts='leg-torso', lifter=dict(blocks=3))
