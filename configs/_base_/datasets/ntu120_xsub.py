# NTU RGB+D 120, cross-subject: the authors' 53 training people, 53 others test.
_base_ = ['./ntu60_xview.py']
train_dataloader = dict(
    dataset=dict(ann_file='ntu120.npz', select=dict(_delete_=True, xsub120=[1])))
test_dataloader = dict(
    dataset=dict(ann_file='ntu120.npz', select=dict(_delete_=True, xsub120=[0])))
