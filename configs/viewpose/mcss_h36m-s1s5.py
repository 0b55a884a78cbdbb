_base_ = ['./mcss_h36m-s1.py']  # Fig. 3
train_dataloader = dict(dataset=dict(labels=dict(subjects=[1, 5])))
