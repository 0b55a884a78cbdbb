# Semi-supervised from scratch (Sec. 4.4): 3D of one source, CMU; of the other, Bandai-Namco, two
# views without 3D.
_base_ = ['./twoviews-pretrain_mocap.py']
model = dict(
    reprojection=dict(type='ReprojectionLoss'),
    consistency=dict(type='MultiviewConsistencyLoss', num_views=2, loss_weight=0.3))
target = dict(ann_file='bandai_namco.npz', use_3d=False)
train_dataloader = dict(
    batch_size=128,
    batch_sampler=dict(num_views=2),
    dataset=dict(
        sources=[
            dict(ann_file='cmu.npz', drop=dict(subject=[3]),
                 fold=dict(count=7, keep=[0, 1, 2, 4, 5, 6])),
            dict(target, fold=dict(count=7, keep=[1, 2, 4, 5, 6]))],
        num_views=2, stride=9))
val_dataloader = dict(
    dataset=dict(sources=[dict(ann_file='bandai_namco.npz', fold=dict(count=7, keep=[3]))]))
test_dataloader = dict(
    dataset=dict(sources=[dict(ann_file='bandai_namco.npz', fold=dict(count=7, keep=[0]))]))
