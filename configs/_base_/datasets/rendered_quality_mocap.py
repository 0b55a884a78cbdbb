# Movement quality: walks and runs of Bandai-Namco motion capture in five grades of a one-sided
# stiffness (impairment.py), seen by the cameras of rendered_cameras.py; 16-frame clips
# without overlap, about one gait cycle each. Cross-view: cameras 2 and 3 train, camera 1 tests the
# same takes; `reproduce.py uvi-quality` also tests takes that did not train.
_base_ = ['./rendered_sequences.py']
data_root = 'data/viewpose/'
takes = dict(
    ann_file='bandai_namco.npz', select=dict(action=['walk', 'run', 'walk-back', 'dash']),
    fold=dict(count=5, keep=[2, 3, 4]))
recordings = dict(
    type='RenderedSequenceDataset', data_root=data_root, film=_base_.film,
    class_label='score', impairment=dict(grades=5), sampling='clips', skip_short=True,
    pipeline=[dict(type='PackFrames', keys=('action', 'camera', 'sequence'))])
train_dataloader = dict(
    dataset=dict(_delete_=True, sources=[takes], views=[2, 3], **recordings))
test_dataloader = dict(
    dataset=dict(_delete_=True, sources=[takes], views=[1], training=False, **recordings))
test_evaluator = dict(_delete_=True, type='RankCorrelation', group_by='action')
synthetic_config = 'configs/viewpose/uvi-gru_synthetic.py'
