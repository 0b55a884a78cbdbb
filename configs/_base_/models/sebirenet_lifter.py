# The 2D-to-3D extension of SeBiReNet (paper, Sec. 4.5, Fig. 5). All parts learn from the start; to
# begin with a 3D stream pretrained by sebirenet-denoise_mocap.py:
#   --cfg-options model.init_cfg.type=Pretrained model.init_cfg.checkpoint=FILE
# and model.frozen=True to keep it.
model = dict(
    type='SeBiReNetLifter',
    encoder_2d=dict(
        type='SeBiReNetEncoder', skeleton='ape17', in_channels=2, hidden_channels=32),
    encoder_3d=dict(type='SeBiReNetEncoder', skeleton='ape17', hidden_channels=32),
    decoder=dict(type='SeBiReNetDecoder', skeleton='ape17', hidden_channels=32),
    representation=0.1)
