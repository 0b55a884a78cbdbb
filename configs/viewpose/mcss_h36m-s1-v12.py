_base_ = ['./mcss_h36m-s1.py']  # Table 3: labels of cameras 1, 2, tested on camera 4
train_dataloader = dict(dataset=dict(labels=dict(views=[1, 2])))
test_dataloader = dict(dataset=dict(views=[4]))
test_evaluator = [_base_.val_evaluator]
