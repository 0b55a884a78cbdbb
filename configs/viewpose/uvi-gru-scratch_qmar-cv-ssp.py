_base_ = ['./uvi-gru_qmar-cv-ssp.py']  # without pretraining
model = dict(backbone=dict(frozen=False, encoder=dict(init_cfg=None)))
