# Bandai-Namco motion capture (docs/data_preparation.md), rendered in colour by the cameras of
# mcss_synthetic.py. The archive has one body for all, so eight people are made of eight folds of
# its takes, each with looks and bone lengths of its own: 1 to 5 train, of whom 1 is labelled, 6 is
# for choosing settings, 7 and 8 are the test. 10,856 training images (2,714 moments); a batch has
# 66 pairs and 22 labelled images (Sec. 4), moments at least half a second apart.
_base_ = ['./mcss_synthetic.py']
data_root = 'data/viewpose/'
person_1 = dict(ann_file='bandai_namco.npz', fold=dict(count=8, keep=[0]), subject=1)
person_2 = dict(ann_file='bandai_namco.npz', fold=dict(count=8, keep=[1]), subject=2)
person_3 = dict(ann_file='bandai_namco.npz', fold=dict(count=8, keep=[2]), subject=3)
person_4 = dict(ann_file='bandai_namco.npz', fold=dict(count=8, keep=[3]), subject=4)
person_5 = dict(ann_file='bandai_namco.npz', fold=dict(count=8, keep=[4]), subject=5)
person_6 = dict(ann_file='bandai_namco.npz', fold=dict(count=8, keep=[5]), subject=6)
person_7 = dict(ann_file='bandai_namco.npz', fold=dict(count=8, keep=[6]), subject=7)
person_8 = dict(ann_file='bandai_namco.npz', fold=dict(count=8, keep=[7]), subject=8)
people = dict(num_synthetic=0, data_root=data_root, bone_change=.1, size_change=.08)

train_dataloader = dict(
    batch_size=2 * 66 + 22,
    batch_sampler=dict(pairs=66, regression=22, min_gap=15),
    dataset=dict(
        sources=[person_1, person_2, person_3, person_4, person_5], film=dict(stride=7),
        **people))
val_dataloader = dict(dataset=dict(sources=[person_6], film=dict(stride=14), **people))
test_dataloader = dict(
    dataset=dict(sources=[person_7, person_8], film=dict(stride=14), **people))
synthetic_config = 'configs/viewpose/mcss_synthetic.py'
