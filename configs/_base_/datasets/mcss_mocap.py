# Bandai-Namco motion capture (docs/data_preparation.md), rendered in colour by the cameras of
# mcss_synthetic.py. The archive has one body for all, so eight people are made of eight folds of
# its takes, each with looks and bone lengths of its own: 1 to 5 train, of whom 1 is labelled, 6 is
# for choosing settings, 7 and 8 are the test. 10,856 training images (2,714 moments); a batch has
# 66 pairs and 22 labelled images (Sec. 4), moments at least half a second apart.
_base_ = ['./mcss_synthetic.py']
data_root = 'data/viewpose/'
people = [dict(ann_file='bandai_namco.npz', fold=dict(count=8, keep=[fold]), subject=fold + 1)
          for fold in range(8)]
bodies = dict(num_synthetic=0, data_root=data_root, bone_change=.1, size_change=.08)

train_dataloader = dict(
    batch_size=2 * 66 + 22,
    batch_sampler=dict(pairs=66, regression=22, min_gap=15),
    dataset=dict(sources=people[:5], film=dict(stride=7), **bodies))
val_dataloader = dict(dataset=dict(sources=people[5:6], film=dict(stride=14), **bodies))
test_dataloader = dict(dataset=dict(sources=people[6:], film=dict(stride=14), **bodies))
synthetic_config = 'configs/viewpose/mcss_synthetic.py'
