# MotionBERT (two_views, Sec. 4.1): DSTFormer of depth 5 with 8 heads on 243 frames. Weights have
# the names of mmpose's, so that its checkpoints load.
model = dict(
    type='SequenceLifter',
    frame='image',
    backbone=dict(
        type='mmpose.DSTFormer', in_channels=3, feat_size=512, depth=5, num_heads=8, mlp_ratio=2,
        seq_len=243, att_fuse=True),
    head=dict(
        type='mmpose.MotionRegressionHead', in_channels=512, out_channels=3, embedding_size=512,
        loss=dict(type='mmpose.MPJPELoss')))
