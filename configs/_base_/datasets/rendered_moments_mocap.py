# Bandai-Namco motion capture (docs/data_preparation.md) seen by three cameras in step, rendered as
# DensePose-like part maps. Cameras 2 (in front) and 3 (at the side) train, camera 1, between them,
# is only tested; camera 4 is for choosing settings. Every fifth take is held out.
_base_ = ['./rendered_moments.py']
data_root = 'data/viewpose/'
takes = dict(ann_file='bandai_namco.npz', fold=dict(count=5, keep=[1, 2, 3, 4]))
held_out = dict(
    ann_file='bandai_namco.npz', drop=dict(action=['walk-left', 'walk-right']),
    fold=dict(count=5, keep=[0]))
films = dict(
    type='RenderedMomentDataset', data_root=data_root,
    film=dict(image_size=48, azimuths=[45., 0., 90., 45.], jitter=5., stride=10))
tested = dict(
    sources=[held_out], num_views=3, training=False, pipeline={{_base_.test_pipeline}}, **films)
train_dataloader = dict(
    dataset=dict(
        _delete_=True, sources=[takes], views=[2, 3], copies=2,
        pipeline={{_base_.train_pipeline}}, **films))
val_dataloader = dict(dataset=dict(_delete_=True, views=[2, 3, 4], **tested))
test_dataloader = dict(dataset=dict(_delete_=True, views=[1, 2, 3], **tested))
synthetic_config = 'configs/viewpose/uvi_synthetic.py'
