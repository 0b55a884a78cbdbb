# Fine-tuning on 2D alone (Eq. 7; Sec. 4.6: the same data without the loss), with the optimizer,
# rate and dropout that are best for it.
_base_ = ['./twoviews-ft2d_mocap.py']
model = dict(backbone=dict(dropout=0.1), consistency=None)
optim_wrapper = dict(_delete_=True, optimizer=dict(type='Adam', lr=5e-4))
