_base_ = ['./uvi-gru_qmar-cv-ssp.py']  # the pretrained encoder trained on
model = dict(backbone=dict(frozen=False))
