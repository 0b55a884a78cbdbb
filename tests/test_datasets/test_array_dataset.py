import numpy as np
import pytest
import torch
from mmengine.dataset import DefaultSampler
from torch.utils.data import BatchSampler, DataLoader

from mmviewpose.datasets import ArrayBatchSampler, ArrayDataset, identity_collate
from mmviewpose.errors import DatasetError


def double(batch):
    batch['doubled'] = 2 * batch['value']
    return batch


def add_noise(batch):
    batch['noise'] = torch.rand(len(batch['value']))
    return batch


def test_a_batch_is_the_rows_asked_for():
    value = np.arange(20.).reshape(10, 2)
    dataset = ArrayDataset(dict(value=value), pipeline=[double])
    batch = dataset.__getitems__([7, 0, 7])
    assert batch['index'].tolist() == [7, 0, 7]
    np.testing.assert_array_equal(batch['value'], value[[7, 0, 7]])
    np.testing.assert_array_equal(batch['doubled'], 2 * value[[7, 0, 7]])
    assert dataset[3]['value'].tolist() == [[6., 7.]]


def test_what_prepare_draws_does_not_depend_on_batches_or_on_the_global_seed():
    def noise(seed, **options):
        torch.manual_seed(seed)
        return ArrayDataset(dict(value=np.zeros(9)), prepare=[add_noise], **options).arrays['noise']

    assert torch.equal(noise(0), noise(1))
    assert not torch.equal(noise(0), noise(0, prepare_seed=5))
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    ArrayDataset(dict(value=np.zeros(9)), prepare=[add_noise])
    assert torch.equal(torch.rand(1), expected), 'preparing moved the training seed'


def test_a_batch_may_be_changed_without_changing_the_data():
    dataset = ArrayDataset(dict(value=np.zeros((4, 2))))
    dataset.__getitems__([0, 1])['value'] += 1
    assert dataset.arrays['value'].abs().sum() == 0


@pytest.mark.parametrize('arrays', [{}, dict(value=np.zeros((0, 3))),
                                    dict(value=np.zeros(3), other=np.zeros(4))])
def test_unusable_arrays_are_refused(arrays):
    with pytest.raises(DatasetError):
        ArrayDataset(arrays)


@pytest.mark.parametrize('drop_last', [False, True])
@pytest.mark.parametrize('shuffle', [False, True])
@pytest.mark.parametrize('world_size', [1, 3])
def test_the_batch_sampler_keeps_the_order_of_the_sampler(monkeypatch, drop_last, shuffle,
                                                          world_size):
    for rank in range(world_size):
        monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda: (rank, world_size))
        sampler = DefaultSampler(range(23), shuffle=shuffle, seed=4)
        sampler.set_epoch(2)
        expected = list(BatchSampler(sampler, 4, drop_last))
        batches = list(ArrayBatchSampler(sampler, 4, drop_last))
        assert [batch.tolist() for batch in batches] == expected
        assert len(ArrayBatchSampler(sampler, 4, drop_last)) == len(expected)


def test_any_other_sampler_works():
    batches = list(ArrayBatchSampler([5, 3, 1, 2, 4], 2))
    assert [batch.tolist() for batch in batches] == [[5, 3], [1, 2], [4]]


def test_the_loader_hands_over_whole_batches():
    dataset = ArrayDataset(dict(value=np.arange(10)))
    loader = DataLoader(dataset, collate_fn=identity_collate,
                        batch_sampler=ArrayBatchSampler(DefaultSampler(dataset, False), 4))
    assert [batch['value'].tolist() for batch in loader] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
