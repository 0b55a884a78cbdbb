# Frozen SeBiReNet encoder + LSTM on NTU RGB+D 120, cross-setup (Table 2).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/sebirenet_lstm.py',
    '../_base_/datasets/ntu120_xset.py',
    '../_base_/schedules/adam_probe.py',
]
model = dict(cls_head=dict(num_classes=120))
