_base_ = ['./uvi-gru_qmar-cs.py']  # walking after a stroke
model = dict(cls_head=dict(num_classes=6))
train_dataloader = dict(dataset=dict(select=dict(movement=['W-S'])))
test_dataloader = dict(dataset=dict(select=dict(movement=['W-S'])))
