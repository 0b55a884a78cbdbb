"""Rows of all ranks: order, gradient, and what is refused."""
import pytest
import torch
import torch.distributed as dist
from two_ranks import run_on_two_ranks

from mmviewpose.functional import gather_rows

ROWS = torch.arange(10, dtype=torch.float64).reshape(5, 2)
TIMES = 2**60 + torch.arange(5)  # no float holds them
SHARES = {'unequal': (2, 3), 'equal': (2, 2), 'none': (0, 4)}


def loss_of_all(rows):
    """Something that compares every row with every other."""
    return (rows[:, None] - rows).square().sum(-1).sin().mean()


def own_share(sizes, *tensors):
    start = sizes[0] if dist.get_rank() else 0
    return [tensor[start:start + sizes[dist.get_rank()]] for tensor in tensors]


def error_of(*tensors):
    try:
        gather_rows(*tensors)
    except ValueError as error:
        return str(error)


def gather_in_many_ways():
    found = {}
    for name, sizes in SHARES.items():
        rows, times = own_share(sizes, ROWS.clone().requires_grad_(), TIMES)
        rows.retain_grad()
        all_rows, all_times = gather_rows(rows, times)
        loss_of_all(all_rows).backward()
        found[name] = [all_rows.tolist(), all_times.tolist(), rows.grad.tolist()]
    half = torch.full((1 + dist.get_rank(), 3), .5, dtype=torch.bfloat16, requires_grad=True)
    gathered, = gather_rows(half)
    gathered.sum().backward()
    found['bfloat16'] = [str(gathered.dtype), gathered.tolist(), str(half.grad.dtype)]
    with torch.no_grad():
        found['without gradient'] = gather_rows(ROWS)[0].shape
    last = dist.get_rank() == 1
    found['number'] = error_of(ROWS, *[TIMES] * last)
    found['width'] = error_of(ROWS[:, :1 + last])
    return found


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    return run_on_two_ranks(gather_in_many_ways, tmp_path_factory.mktemp('ranks'))


@pytest.mark.parametrize('name', SHARES)
def test_every_rank_has_all_rows_and_the_average_gradient_is_that_of_one_process(ranks, name):
    size = sum(SHARES[name])
    rows = ROWS[:size].clone().requires_grad_()
    loss_of_all(rows).backward()
    for rank in ranks:
        assert rank[name][:2] == [ROWS[:size].tolist(), TIMES[:size].tolist()]
    # averaged over two ranks, of which one knows each row
    found = torch.tensor(ranks[0][name][2] + ranks[1][name][2], dtype=torch.float64) / 2
    torch.testing.assert_close(found, rows.grad)


def test_short_types_are_sent_as_single_precision(ranks):
    for rank in ranks:
        assert rank['bfloat16'] == ['torch.float32', [[.5] * 3] * 3, 'torch.bfloat16']
        assert rank['without gradient'] == [10, 2]


def test_ranks_that_gather_different_things_are_refused_on_all(ranks):
    for rank in ranks:
        assert '[1, 2] tensors with [2, 3] numbers a row' in rank['number']
        assert '[1, 1] tensors with [1, 2] numbers a row' in rank['width']


def test_one_process_has_all_rows(tmp_path):
    given = (ROWS, TIMES)
    assert all(a is b for a, b in zip(gather_rows(*given), given))
    dist.init_process_group('gloo', init_method=f'file://{tmp_path}/store', rank=0, world_size=1)
    try:
        assert all(a is b for a, b in zip(gather_rows(*given), given))
    finally:
        dist.destroy_process_group()


def test_tensors_of_different_length_are_refused(monkeypatch):
    monkeypatch.setattr(dist, 'is_initialized', lambda: True)
    monkeypatch.setattr(dist, 'get_world_size', lambda: 2)
    with pytest.raises(ValueError, match=r'as many rows each, got \[\(5, 2\), \(4,\)\]'):
        gather_rows(ROWS, TIMES[:4])
