_base_ = ['./uvi-gru_ntu60-rgb-xsub.py']  # without pretraining
model = dict(backbone=dict(frozen=False, encoder=dict(init_cfg=None)))
