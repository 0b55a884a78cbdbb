# The probe of sebirenet-lstm_nucla-xview.py on plain root-centred joints.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/pose_lstm.py',
    '../_base_/datasets/nucla_xview.py',
    '../_base_/schedules/adam_probe.py',
]
