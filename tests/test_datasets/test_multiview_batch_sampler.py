from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.dataset import DefaultSampler
from mmengine.runner import Runner
from torch.utils.data import ConcatDataset, RandomSampler

from mmviewpose.datasets import MultiviewBatchSampler
from mmviewpose.datasets.samplers.view_groups import groups_of, h36m_groups
from mmviewpose.errors import DatasetError, UserError
from mmviewpose.registry import DATA_SAMPLERS


class Clips:
    """Windows with some of the cameras a, b, c, d; samples in the order of the windows."""

    def __init__(self, *windows):
        self.view_names = ['a', 'b', 'c', 'd']
        table, number = torch.full((len(windows), 4), -1), 0
        self.origin = []
        for row, views in enumerate(windows):
            for view in views:
                table[row, self.view_names.index(view)] = number
                self.origin.append((row, view))
                number += 1
        self.table = table

    def view_groups(self):
        return self.table

    def __len__(self):
        return len(self.origin)

    def __getitem__(self, index):
        return self.origin[index]


def batches(dataset, batch_size=4, epoch=0, shuffle=True, **options):
    sampler = DefaultSampler(dataset, shuffle=shuffle, seed=3)
    sampler.set_epoch(epoch)
    made = MultiviewBatchSampler(sampler, batch_size, **options)
    found = list(made)
    assert len(found) == len(made)
    return found


def sets(found, num_views=2):
    return [tuple(batch[i:i + num_views]) for batch in found
            for i in range(0, len(batch), num_views)]


@pytest.mark.parametrize('num_views', [1, 2, 3, 4])
@pytest.mark.parametrize('shuffle', [True, False])
def test_consecutive_samples_are_views_of_one_window(num_views, shuffle):
    dataset = Clips(*['abcd'] * 7)
    found = sets(batches(dataset, 4 * num_views, shuffle=shuffle, num_views=num_views), num_views)
    for members in found:
        rows, views = zip(*(dataset.origin[index] for index in members))
        assert len(set(rows)) == 1 and len(set(views)) == num_views
    seen = [index for members in found for index in members]
    assert len(seen) == len(set(seen)) == 7 * (4 // num_views) * num_views


def test_windows_with_a_view_more_leave_out_another_each_time():
    dataset = Clips(*['abc'] * 5)
    left_out = [frozenset(range(15)) - {i for batch in batches(dataset, epoch=epoch)
                                        for i in batch} for epoch in range(4)]
    assert all(len(rest) == 5 for rest in left_out) and len(set(left_out)) > 1


def test_epochs_differ_and_an_epoch_does_not():
    dataset = Clips(*['abcd'] * 9)
    assert batches(dataset, epoch=1) == batches(dataset, epoch=1)
    assert batches(dataset, epoch=1) != batches(dataset, epoch=2)
    pairs = [{frozenset(pair) for pair in sets(batches(dataset, epoch=epoch))}
             for epoch in (1, 2)]
    assert pairs[0] != pairs[1], 'other views stand together'
    in_order = batches(dataset, 6, shuffle=False)
    assert in_order == [list(range(i, i + 6)) for i in range(0, 36, 6)]


def test_chosen_cameras():
    dataset = Clips('abcd', 'abd', 'cd', 'bd')
    found = sets(batches(dataset, views=['d', 'b']))
    assert sorted([dataset.origin[i] for i in pair] for pair in found) == [
        [(row, 'd'), (row, 'b')] for row in (0, 1, 3)]
    among = sets(batches(dataset, views=['a', 'b', 'd']))
    assert len(among) == 3
    assert all({dataset.origin[i][1] for i in pair} <= set('abd') for pair in among)
    with pytest.raises(UserError, match=r"views=\['a', 'z'\] must be at least 2 of .*'a', 'b'"):
        batches(dataset, views=['a', 'z'])
    with pytest.raises(UserError, match='at least 2'):
        batches(dataset, views=['a'])


def test_clips_with_one_view_only():
    dataset = Clips('ab', 'c', 'cd', 'd')
    assert {dataset.origin[i][0] for pair in sets(batches(dataset)) for i in pair} == {0, 2}
    with pytest.raises(DatasetError, match='no clip was seen by 2 of the cameras'):
        batches(Clips('a', 'b', 'c'))
    with pytest.raises(DatasetError, match='no clip was seen by 3'):
        batches(dataset, 6, num_views=3)


@pytest.mark.parametrize('world_size', [2, 3, 5])
@pytest.mark.parametrize('drop_last', [False, True])
def test_ranks_get_whole_clips_and_equally_many(monkeypatch, world_size, drop_last):
    dataset = Clips(*['abcd'] * 6, 'abc')
    ranks = []
    for rank in range(world_size):
        monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda: (rank, world_size))
        ranks.append(batches(dataset, 4, epoch=2, drop_last=drop_last))
    assert len({tuple(map(len, found)) for found in ranks}) == 1
    pairs = [pair for found in ranks for pair in sets(found)]
    for pair in pairs:
        assert len({dataset.origin[index][0] for index in pair}) == 1
    if not drop_last:  # nothing is lost, and what pads comes twice
        alone = (0, 1)
        monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda: alone)
        assert set(pairs) == set(sets(batches(dataset, 4, epoch=2)))
        assert len(pairs) == -(-13 // world_size) * world_size


def test_the_last_batch():
    dataset = Clips(*['ab'] * 5)
    assert [len(batch) for batch in batches(dataset)] == [4, 4, 2]
    assert [len(batch) for batch in batches(dataset, drop_last=True)] == [4, 4]


def test_settings_that_do_not_fit():
    dataset = Clips('ab', 'ab')
    with pytest.raises(UserError, match=r'batch_size \(5\) must be a multiple of num_views \(2\)'):
        batches(dataset, 5)
    with pytest.raises(UserError, match='2 sets of 2 views do not fill one batch of 6'):
        batches(dataset, 6, drop_last=True)
    with pytest.raises(UserError, match="sampler=dict.type='DefaultSampler'.*RandomSampler has no"):
        MultiviewBatchSampler(RandomSampler(dataset), 4)
    with pytest.raises(UserError, match="list does not say.*group_by='h36m'"):
        MultiviewBatchSampler(DefaultSampler([1, 2]), 2)
    with pytest.raises(UserError, match="group_by must be 'dataset' or 'h36m', got 'name'"):
        batches(dataset, group_by='name')
    with pytest.raises(UserError, match='needs mmpose.s Human36mDataset, not Clips'):
        batches(dataset, group_by='h36m')


def test_batches_of_arrays_are_tensors():
    dataset = Clips(*['ab'] * 4)
    dataset.__getitems__ = None
    assert all(torch.is_tensor(batch) for batch in batches(dataset))
    assert [batch.tolist() for batch in batches(dataset)] == batches(Clips(*['ab'] * 4))


def test_datasets_one_after_the_other():
    first, second = Clips('ab', 'abc'), Clips('bc')
    second.view_names = ['b', 'c', 'd', 'e']
    groups, names = groups_of(ConcatDataset([first, second]))
    assert names == ['a', 'b', 'c', 'd', 'e']
    assert groups.tolist() == [[0, 1, -1, -1, -1], [2, 3, 4, -1, -1], [-1, -1, 5, 6, -1]]


def test_the_runner_builds_it():
    from mmviewpose.datasets import SyntheticViewDataset  # noqa: F401
    loader = Runner.build_dataloader(ConfigDict(
        batch_size=6, num_workers=0, collate_fn=dict(type='mmviewpose.identity_collate'),
        sampler=dict(type='DefaultSampler', shuffle=True),
        batch_sampler=dict(type='mmviewpose.MultiviewBatchSampler', num_views=3),
        dataset=dict(type='mmviewpose.SyntheticViewDataset', num_clips=5, synthetic_frames=9,
                     num_frames=9, num_views=4, pipeline=[dict(type='ProjectViews')])), seed=0)
    batches = list(loader)
    assert [len(batch['index']) for batch in batches] == [6, 6, 3] and len(loader) == 3
    for batch in batches:
        window, view = (batch[key].unflatten(0, (-1, 3)) for key in ('window', 'view'))
        assert (window == window[:, :1]).all()
        assert all(len(row.unique()) == 3 for row in view)
        assert batch['keypoints_2d'].shape[1:] == (9, 17, 2)
    # mmengine's hook sets the epoch on the sampler inside
    before = torch.cat([batch['index'] for batch in batches])
    loader.batch_sampler.sampler.set_epoch(1)
    assert not torch.equal(before, torch.cat([batch['index'] for batch in loader]))
    assert DATA_SAMPLERS.get('MultiviewBatchSampler') is MultiviewBatchSampler


def test_views_of_human36m():
    def name(action, camera, frame, subject=1):
        return f'S{subject}_{action}.{camera}_{frame:06d}.jpg'

    names, windows = [], []
    for action, camera, frames in (('Walking', '54138969', 6), ('Walking', '60457274', 6),
                                   ('Walking_1', '54138969', 4), ('Walking', '55011271', 5)):
        first = len(names)
        names += [name(action, camera, 1 + 5 * i) for i in range(frames)]
        rows = list(range(first, len(names)))
        # mmpose's padding: a window of 3 about each frame, ends repeated
        windows += [[rows[max(i - 1, 0)], rows[i], rows[min(i + 1, frames - 1)]]
                    for i in range(frames)]

    class Human36mDataset:
        causal, sequence_indices = False, windows
        ann_data = dict(imgname=np.array(names))

        def __len__(self):
            return len(windows)

    groups, cameras = h36m_groups(Human36mDataset())
    assert cameras == ['54138969', '55011271', '60457274']
    # where one camera has a frame less, its last window is not of the others' frames
    assert groups.tolist() == [[0, 16, 6], [1, 17, 7], [2, 18, 8], [3, 19, 9], [4, -1, 10],
                               [5, -1, 11], [12, -1, -1], [13, -1, -1], [14, -1, -1],
                               [15, -1, -1], [-1, 20, -1]]
    causal = Human36mDataset()
    causal.causal = True
    causal.sequence_indices = [[i, i] for i in range(len(names))]
    assert h36m_groups(causal)[0].tolist() == [
        [0, 16, 6], [1, 17, 7], [2, 18, 8], [3, 19, 9], [4, 20, 10], [5, -1, 11], [12, -1, -1],
        [13, -1, -1], [14, -1, -1], [15, -1, -1]]
    some = SimpleNamespace(causal=True, sequence_indices=[[i] for i in range(len(names))],
                           ann_data=Human36mDataset.ann_data,
                           get_data_info=lambda i: dict(id=i + 6))

    class Shorter(SimpleNamespace):  # mmpose leaves out samples without key points
        __len__ = lambda self: 6  # noqa: E731

    groups, cameras = h36m_groups(Shorter(**vars(some)))
    assert cameras == ['60457274'] and groups.flatten().tolist() == list(range(6))
    broken = Human36mDataset()
    broken.ann_data = dict(imgname=np.array(['a.jpg'] * len(names)))
    with pytest.raises(DatasetError, match='image name a.jpg is not S1_Action'):
        h36m_groups(broken)
