# The paper's "gradient descent with an initial learning rate of 5e-5" for losses summed over a
# batch of 64. Length, steps and weight decay (R(w) of Eq. 11) are the published code's: after 120,
# 180 and 240 epochs the rate is 0.5, 0.1 and 0.05 of the first.
train_cfg = dict(by_epoch=True, max_epochs=250)
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='SGD', lr=5e-5, weight_decay=1e-4))
param_scheduler = [
    dict(type='MultiStepLR', by_epoch=True, milestones=[120, 240], gamma=0.5),
    dict(type='MultiStepLR', by_epoch=True, milestones=[180], gamma=0.2),
]
auto_scale_lr = dict(base_batch_size=64)
