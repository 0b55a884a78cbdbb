# The lifter that fine-tuning starts from: 3D of one motion capture source (CMU), one camera.
_base_ = [
    '../_base_/lifting_runtime.py',
    '../_base_/models/tcn_lifter_3d.py',
    '../_base_/datasets/mocap_clips.py',
    '../_base_/schedules/conv_muon_onecycle.py',
]
max_epochs = 20
train_cfg = dict(max_epochs=max_epochs, val_interval=5)
param_scheduler = dict(total_steps=max_epochs)
train_dataloader = dict(
    batch_size=64,
    batch_sampler=dict(num_views=1),
    dataset=dict(
        sources=[dict(ann_file='cmu.npz', drop=dict(subject=[3]),
                      fold=dict(count=7, keep=[0, 1, 2, 4, 5, 6]))],
        num_views=1, stride=3,
        pipeline=[
            dict(_base_.camera, size=(0.85, 1.15)), _base_.noise, dict(type='FlipViews'),
            _base_.pack]))
val_dataloader = dict(
    dataset=dict(sources=[dict(ann_file='cmu.npz', drop=dict(subject=[3]),
                               fold=dict(count=7, keep=[3]))]))
test_dataloader = dict(
    dataset=dict(sources=[dict(ann_file='cmu.npz', select=dict(subject=[3]))]))
