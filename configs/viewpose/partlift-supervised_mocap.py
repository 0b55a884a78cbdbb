# The same lifter trained on depths: how far 3D labels would go.
_base_ = ['./partlift-full_mocap.py']
model = dict(
    _delete_=True,
    type='DepthLifter',
    lifter=dict(type='PartLifter', width=128, blocks=6),
    depth=dict(type='JointPositionLoss'))
model_wrapper_cfg = None
optim_wrapper = dict(_delete_=True, optimizer=dict(type='StackedMuon', lr=5e-3))
