# The baseline of lstm-normalised_ntu60-xview.py, cross-subject.
_base_ = ['./lstm-normalised_ntu60-xview.py']
train_dataloader = dict(dataset=dict(select=dict(_delete_=True, xsub60=[1])))
test_dataloader = dict(dataset=dict(select=dict(_delete_=True, xsub60=[0])))
