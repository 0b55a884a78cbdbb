_base_ = ['./uvi-gru_qmar-cv.py']  # sitting to standing after a stroke
model = dict(cls_head=dict(num_classes=6))
train_dataloader = dict(dataset=dict(select=dict(movement=['SS-S'])))
test_dataloader = dict(dataset=dict(select=dict(movement=['SS-S'])))
