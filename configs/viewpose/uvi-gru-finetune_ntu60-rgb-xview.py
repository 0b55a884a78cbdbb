_base_ = ['./uvi-gru_ntu60-rgb-xview.py']  # the pretrained encoder trained on
model = dict(backbone=dict(frozen=False))
