_base_ = ['./uvi-gru_qmar-cv.py']  # the pretrained encoder trained on
model = dict(backbone=dict(frozen=False))
