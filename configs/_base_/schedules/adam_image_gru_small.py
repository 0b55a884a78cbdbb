# The recurrent classifier over the small encoder's poses: Adam, one cycle.
_base_ = ['./adam_probe.py']
max_epochs = 40
train_cfg = dict(max_epochs=max_epochs)
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(lr=3e-3))
param_scheduler = dict(eta_max=3e-3, total_steps=max_epochs)
# for an encoder that learns from scratch in few steps: Adam hardly moves it
muon = dict(type='StackedMuon', lr=1e-2, adam_ratio=0.1, axes=(2, 4), largest=300000)
