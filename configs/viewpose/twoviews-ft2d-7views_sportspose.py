# All seven views (Sec. 4.5, where lambda_con is 1).
_base_ = ['./twoviews-ft2d_sportspose.py']
model = dict(consistency=dict(num_views=7, loss_weight=1.))
train_dataloader = dict(batch_size=35, batch_sampler=dict(num_views=7, views=None))
