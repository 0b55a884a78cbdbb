# Bandai-Namco motion capture (docs/data_preparation.md), rendered in colour by the cameras of
# mcss_synthetic.py, all in one room, as in Human3.6M. The archive has one body for all, so people
# are made of folds of its takes, each with looks and bone lengths of its own: two with an eighth of
# the takes each (1, whom labels are of, and 2) and nine with a twenty-fourth train, three more
# (12 to 14) are for choosing settings, six (15 to 20) are the test. What fewer than three takes
# show is left out: nobody does what person 1 does not. 10,120 training images (2,530 moments); a
# batch has 40 pairs, of moments at least half a second apart, and 22 labelled images (Sec. 4).
_base_ = ['./mcss_synthetic.py']
data_root = 'data/viewpose/'
folds = [[0, 8, 16], [1, 9, 17], [2], [3], [4], [10], [11], [12], [18], [19], [20],
         [5], [13], [21], [6], [7], [14], [15], [22], [23]]
rare = dict(action=['call', 'dance-short', 'kick', 'punch', 'respond', 'slash'])
people = [dict(ann_file='bandai_namco.npz', drop=rare, fold=dict(count=24, keep=keep),
               subject=number) for number, keep in enumerate(folds, 1)]
bodies = dict(num_synthetic=0, data_root=data_root, bone_change=.1, size_change=.08)
film = dict(room=0, **_base_.film)

train_dataloader = dict(
    batch_size=2 * 40 + 22,
    batch_sampler=dict(pairs=40, regression=22, min_gap=15),
    dataset=dict(sources=people[:11], film=dict(stride=7, **film), **bodies))
val_dataloader = dict(dataset=dict(sources=people[11:14], film=dict(stride=14, **film), **bodies))
test_dataloader = dict(dataset=dict(sources=people[14:], film=dict(stride=14, **film), **bodies))
synthetic_config = 'configs/viewpose/mcss_synthetic.py'
