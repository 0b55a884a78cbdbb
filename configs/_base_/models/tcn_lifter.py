# A small temporal convolutional lifter (two_views); losses are the config's.
model = dict(
    type='SequenceLifter',
    backbone=dict(type='TemporalConvBackbone', stem_channels=192, kernel_sizes=(3, 3, 3)),
    head=dict(type='PlaneHead', in_channels=192))
