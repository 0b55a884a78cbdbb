_base_ = ['./mcss_h36m-s1.py']  # Fig. 3: 5% of subject 1
train_dataloader = dict(dataset=dict(labels=dict(share=.05)))
