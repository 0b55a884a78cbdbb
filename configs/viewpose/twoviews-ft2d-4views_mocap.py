# More views (Sec. 4.5).
_base_ = ['./twoviews-ft2d_mocap.py']
model = dict(consistency=dict(num_views=4))
train_dataloader = dict(batch_sampler=dict(num_views=4), dataset=dict(num_views=4))
