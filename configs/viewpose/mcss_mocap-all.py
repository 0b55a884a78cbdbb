_base_ = ['./mcss_mocap.py']  # Fig. 3
train_dataloader = dict(dataset=dict(labels=dict(subjects=[1, 2, 3, 4, 5])))
