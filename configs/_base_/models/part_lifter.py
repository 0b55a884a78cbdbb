# Part-wise lifting without 3D labels: width and blocks of the paper, whole body, 6 blocks.
model = dict(
    type='AdversarialLifter',
    skeleton='ape17',
    parts='full',
    lifter=dict(type='PartLifter', width=1024, blocks=6),
    critic=dict(type='PoseCritic', width=1024, blocks=3),
    reprojection=dict(type='ReprojectionCycleLoss', loss_weight=10.),
    quarter_turn=dict(type='QuarterTurnLoss', loss_weight=3.),
    adversarial=dict(type='LeastSquaresAdversarialLoss', loss_weight=1., swap_prob=0.1),
    azimuth=160.,
    elevation=10.)
# a wrapper for each network: two optimizers step in turn
model_wrapper_cfg = dict(type='MMSeparateDistributedDataParallel')
