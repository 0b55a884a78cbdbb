# The paper's: Adam at a fixed rate, 20 epochs of batches of 5.
max_epochs = 20
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=5)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='Adam', lr=2e-4))
auto_scale_lr = dict(base_batch_size=5)
