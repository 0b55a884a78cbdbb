# Human3.6M with the labels of subject 1 (Table 1).
_base_ = [
    '../_base_/mcss_runtime.py',
    '../_base_/models/multiview_embedding.py',
    '../_base_/datasets/mcss_h36m.py',
    '../_base_/schedules/adam_mcss.py',
]
