# MotionBERT's fine-tuning as the paper has it (two_views, Sec. 4.1): Adam, 2e-4, 30 epochs; the
# rate falls by 1 % an epoch.
max_epochs = 30
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=5)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='Adam', lr=2e-4))
param_scheduler = dict(type='ExponentialLR', gamma=0.99, by_epoch=True)
auto_scale_lr = dict(base_batch_size=32)
