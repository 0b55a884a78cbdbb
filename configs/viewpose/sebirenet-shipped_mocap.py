# The encoder that ships with the package: from data whose licence allows it, CMU and the built-in
# people, and not Bandai-Namco. After training:
#   tools/analysis/export_encoder.py CHECKPOINT mmviewpose/weights/sebirenet.pth
_base_ = ['./sebirenet_mocap.py']
train_dataloader = dict(dataset=dict(sources=[dict(ann_file='cmu.npz')], num_synthetic=20000))
