# Actions of NTU RGB+D 60 from the frozen encoder of uvi_ntu60-rgb-xview.py (Table 3, unsupervised).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/pose_image_gru.py',
    '../_base_/datasets/ntu60_image_sequences.py',
    '../_base_/schedules/adam_image_gru.py',
]
