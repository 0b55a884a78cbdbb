# Cross-subject: all three cameras of the people who train, two of them drawn for each moment.
_base_ = ['./uvi_ntu60-rgb-xview.py']
train_dataloader = dict(dataset=dict(select=dict(_delete_=True, xsub60=[1])))
val_evaluator = [dict(type='ViewImageError'), dict(type='ViewLeakage')]
test_evaluator = val_evaluator
