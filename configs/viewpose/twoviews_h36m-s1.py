# Semi-supervised from scratch (Sec. 4.4, Table 4): 3D of S1, consistency on S5 to S8; test on S9
# and S11.
_base_ = ['./twoviews-ft3d_sportspose.py']
model = dict(
    reprojection=dict(_delete_=True, type='ReprojectionLoss'),
    consistency=dict(loss_weight=0.3),
    init_cfg=None)
train_dataloader = dict(
    batch_sampler=dict(views=None),
    dataset=dict(sources=[
        dict(ann_file='h36m_views.npz', select=dict(subject=[1])),
        dict(ann_file='h36m_views.npz', select=dict(subject=[5, 6, 7, 8]), use_3d=False)]))
# validation only shows how it goes: nothing is chosen by it
test = dict(
    dataset=dict(sources=[dict(ann_file='h36m_views.npz', select=dict(subject=[9, 11]))]))
val_dataloader = test
test_dataloader = test
max_epochs = 120
train_cfg = dict(max_epochs=max_epochs, val_interval=20)
