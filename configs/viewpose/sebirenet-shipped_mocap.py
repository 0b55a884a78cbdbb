# The encoder that ships with the package: from data whose licence allows it, all of CMU and the
# built-in people. Nothing of them is held out; the test is on Bandai-Namco. After training:
#   tools/analysis/export_encoder.py CHECKPOINT mmviewpose/weights/sebirenet.pth --half
_base_ = ['./sebirenet_mocap.py']
train_dataloader = dict(dataset=dict(sources=[dict(ann_file='cmu.npz')], num_synthetic=20000))
val_dataloader = val_cfg = val_evaluator = None
test_dataloader = dict(dataset=dict(sources=[dict(ann_file='bandai_namco.npz')]))
