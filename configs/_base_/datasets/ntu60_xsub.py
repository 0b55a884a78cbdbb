# NTU RGB+D 60, cross-subject: the authors' 20 training people, 20 others test.
_base_ = ['./ntu60_xview.py']
train_dataloader = dict(dataset=dict(select=dict(_delete_=True, xsub60=[1])))
test_dataloader = dict(dataset=dict(select=dict(_delete_=True, xsub60=[0])))
