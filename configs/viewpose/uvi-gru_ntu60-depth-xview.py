_base_ = ['./uvi-gru_ntu60-rgb-xview.py']  # masked depth
encoder_checkpoint = 'work_dirs/uvi_ntu60-depth-xview/epoch_20.pth'
model = dict(backbone=dict(encoder=dict(init_cfg=dict(checkpoint=encoder_checkpoint))))
depth = dict(data_root='data/viewpose/nturgb+d_depth_masked/', modality='depth')
train_dataloader = dict(dataset=depth)
test_dataloader = dict(dataset=depth)
