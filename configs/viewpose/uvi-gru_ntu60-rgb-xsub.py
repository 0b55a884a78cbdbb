_base_ = ['./uvi-gru_ntu60-rgb-xview.py']  # cross-subject
encoder_checkpoint = 'work_dirs/uvi_ntu60-rgb-xsub/epoch_20.pth'
model = dict(backbone=dict(encoder=dict(init_cfg=dict(checkpoint=encoder_checkpoint))))
train_dataloader = dict(dataset=dict(select=dict(_delete_=True, xsub60=[1])))
test_dataloader = dict(dataset=dict(select=dict(_delete_=True, xsub60=[0])))
