# Bandai-Namco motion capture (docs/data_preparation.md) by the cameras of rendered_cameras.py.
# Walks to the left and to the right are left out: to cameras that stand about the person they are
# walks. The takes that train are also those of the test, seen by another camera, as in NTU RGB+D's
# cross-view protocol; `reproduce.py uvi` also tests takes that train nothing.
_base_ = ['./rendered_sequences.py']
data_root = 'data/viewpose/'
recordings = dict(
    type='RenderedSequenceDataset', data_root=data_root, film=_base_.film,
    pipeline=[dict(type='PackFrames')])
takes = dict(
    ann_file='bandai_namco.npz', drop=dict(action=['walk-left', 'walk-right']),
    fold=dict(count=5, keep=[2, 3, 4]))
train_dataloader = dict(
    dataset=dict(_delete_=True, sources=[takes], views=[2, 3], **recordings))
test_dataloader = dict(
    dataset=dict(_delete_=True, sources=[takes], views=[1], training=False, **recordings))
synthetic_config = 'configs/viewpose/uvi-gru_synthetic.py'
