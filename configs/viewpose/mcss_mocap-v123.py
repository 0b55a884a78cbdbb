_base_ = ['./mcss_mocap.py']  # Table 3: labels of cameras 1, 2, 3, tested on camera 4
train_dataloader = dict(dataset=dict(labels=dict(views=[1, 2, 3])))
test_dataloader = dict(dataset=dict(views=[4]))
test_evaluator = [_base_.val_evaluator]
