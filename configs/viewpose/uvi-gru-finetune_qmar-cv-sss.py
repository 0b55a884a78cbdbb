_base_ = ['./uvi-gru_qmar-cv-sss.py']  # the pretrained encoder trained on
model = dict(backbone=dict(frozen=False))
