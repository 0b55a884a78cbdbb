# multiview_embedding.py at a quarter of the width for images of 64 px, from scratch: a step of 102
# images takes a tenth of a second on one core, in bfloat16. Without batch_norm all embeddings
# became one within an epoch (seen with twice the width and Adam).
_base_ = ['./multiview_embedding.py']
model = dict(
    backbone=dict(
        _delete_=True, type='mmpose.ResNet', depth=18, base_channels=16, stem_channels=16,
        norm_cfg=dict(type='BN', affine=False)),
    embedding_head=dict(in_channels=128, image_size=64, batch_norm=True),
    pose_head=dict(skeleton='ape17'))
