_base_ = ['./uvi-gru_ntu60-rgb-xsub.py']  # the pretrained encoder trained on
model = dict(backbone=dict(frozen=False))
