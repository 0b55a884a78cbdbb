# The paper's (Sec. 4): Adam (0.9, 0.99), 1e-3, a tenth of it after 20 of 40 epochs; batches of 66
# pairs of images and 22 labelled images.
max_epochs = 40
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=5)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='Adam', lr=1e-3, betas=(0.9, 0.99)))
param_scheduler = dict(type='MultiStepLR', by_epoch=True, milestones=[20], gamma=0.1)
auto_scale_lr = dict(base_batch_size=154)
