# Five limbs, each lifted on its own.
_base_ = ['./partlift-full_h36m.py']
model = dict(parts='limbs', lifter=dict(blocks=1))
