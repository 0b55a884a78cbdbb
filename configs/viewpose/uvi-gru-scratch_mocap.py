_base_ = ['./uvi-gru-finetune_mocap.py']  # without pretraining: supervised
model = dict(backbone=dict(encoder=dict(init_cfg=None)))
