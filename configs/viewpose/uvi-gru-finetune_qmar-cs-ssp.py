_base_ = ['./uvi-gru_qmar-cs-ssp.py']  # the pretrained encoder trained on
model = dict(backbone=dict(frozen=False))
