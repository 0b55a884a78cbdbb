_base_ = ['./mcss_mocap.py']  # Fig. 3: 10% of subject 1
train_dataloader = dict(dataset=dict(labels=dict(share=.1)))
