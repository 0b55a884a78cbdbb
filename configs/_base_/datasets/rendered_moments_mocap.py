# Bandai-Namco motion capture (docs/data_preparation.md) seen by the cameras of rendered_cameras.py
# in step, rendered as DensePose-like part maps. Of five parts of the takes three train, one is for
# choosing settings, with camera 4, and one is tested, with camera 1.
_base_ = ['./rendered_moments.py']
data_root = 'data/viewpose/'
takes = dict(ann_file='bandai_namco.npz', fold=dict(count=5, keep=[2, 3, 4]))
held_out = dict(ann_file='bandai_namco.npz', drop=dict(action=['walk-left', 'walk-right']))
films = dict(
    type='RenderedMomentDataset', data_root=data_root, film=dict(stride=7, **_base_.film))
seen = dict(num_views=3, training=False, pipeline=_base_.test_pipeline, **films)
train_dataloader = dict(
    dataset=dict(
        _delete_=True, sources=[takes], views=[2, 3], copies=2, pipeline=_base_.train_pipeline,
        **films))
val_dataloader = dict(
    dataset=dict(
        _delete_=True, sources=[dict(held_out, fold=dict(count=5, keep=[1]))], views=[2, 3, 4],
        **seen))
test_dataloader = dict(
    dataset=dict(
        _delete_=True, sources=[dict(held_out, fold=dict(count=5, keep=[0]))], views=[1, 2, 3],
        **seen))
synthetic_config = 'configs/viewpose/uvi_synthetic.py'
