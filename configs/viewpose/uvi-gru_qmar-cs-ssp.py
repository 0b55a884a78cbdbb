_base_ = ['./uvi-gru_qmar-cs.py']  # sitting to standing with Parkinson's
model = dict(cls_head=dict(num_classes=13))
train_dataloader = dict(dataset=dict(select=dict(movement=['SS-P'])))
test_dataloader = dict(dataset=dict(select=dict(movement=['SS-P'])))
