_base_ = ['./mcss_mocap.py']  # Fig. 3
train_dataloader = dict(dataset=dict(labels=dict(subjects=list(range(1, 12)))))
