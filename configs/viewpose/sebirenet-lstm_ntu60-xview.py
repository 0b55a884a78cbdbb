# Frozen SeBiReNet encoder + LSTM on NTU RGB+D 60, cross-view (Table 2).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/sebirenet_lstm.py',
    '../_base_/datasets/ntu60_xview.py',
    '../_base_/schedules/adam_probe.py',
]
model = dict(cls_head=dict(num_classes=60))
