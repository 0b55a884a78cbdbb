# What is learnt on top of an image's pose: the rate, length and batch size that the paper gives for
# its auto-encoder; it names no others.
max_epochs = 20
train_cfg = dict(by_epoch=True, max_epochs=max_epochs)
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='Adam', lr=2e-4))
auto_scale_lr = dict(base_batch_size=5)
