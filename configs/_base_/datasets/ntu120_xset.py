# NTU RGB+D 120, cross-setup: even setups train, odd ones test.
_base_ = ['./ntu60_xview.py']
train_dataloader = dict(
    dataset=dict(ann_file='ntu120.npz', select=dict(_delete_=True, xset120=[1])))
test_dataloader = dict(
    dataset=dict(ann_file='ntu120.npz', select=dict(_delete_=True, xset120=[0])))
