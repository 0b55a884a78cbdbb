_base_ = ['./uvi-gru_qmar-cv-ws.py']  # without pretraining
model = dict(backbone=dict(frozen=False, encoder=dict(init_cfg=None)))
