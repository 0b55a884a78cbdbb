_base_ = ['./uvi_ntu60-rgb-xsub.py']  # masked depth
depth = dict(data_root='data/viewpose/nturgb+d_depth_masked/', modality='depth')
train_dataloader = dict(dataset=depth)
val_dataloader = dict(dataset=depth)
test_dataloader = dict(dataset=depth)
