import pytest
import torch

pytest.importorskip('mmengine')

import torch.distributed as dist  # noqa: E402
from torch import nn  # noqa: E402
from two_ranks import run_on_two_ranks  # noqa: E402

from mmviewpose.functional.hardnet import (hardnet_distances, hardnet_loss,  # noqa: E402
                                           hardnet_statistics)
from mmviewpose.models.losses import HardnetLoss  # noqa: E402
from mmviewpose.registry import MODELS  # noqa: E402

SIZES = (5, 3)  # pairs of the two ranks


def images():
    """What two cameras see of 8 moments, of which one comes twice, on different ranks."""
    generator = torch.Generator().manual_seed(0)
    seen = torch.randn(8, 6, generator=generator, dtype=torch.float64)
    seen = seen + .2 * torch.randn(2, 8, 6, generator=generator, dtype=torch.float64)
    return seen[0], seen[1], torch.tensor([3, 1, 7, 5, 2, 8, 1, 9])


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 4)).double()


def train(model, loss, first, second, instants):
    """Loss, statistics and the parameters' gradient."""
    embeddings = nn.functional.normalize(model(torch.cat([first, second])), dim=1)
    value, statistics = loss.with_statistics(*embeddings.chunk(2), instants)
    model.zero_grad()
    value.backward()
    gradient = torch.cat([p.grad.flatten() for p in model.parameters()])
    return dict(value=value.item(), gradient=gradient.tolist(),
                statistics={name: number.item() for name, number in statistics.items()})


def train_in_many_ways():
    model = nn.parallel.DistributedDataParallel(network())
    start = SIZES[0] if dist.get_rank() else 0
    own = [part[start:start + SIZES[dist.get_rank()]] for part in images()]
    found = {reduction: train(model, HardnetLoss(alpha=1., reduction=reduction, loss_weight=.5),
                              *own) for reduction in ('mean', 'sum')}
    found['unknown moments'] = train(model, HardnetLoss(alpha=1.), *own[:2], None)
    found['alone'] = train(model, HardnetLoss(alpha=1., gather=False), *own)
    broken = own[0].clone()
    broken[1, 2] *= float('nan') if dist.get_rank() else 1
    try:
        HardnetLoss()(broken, own[1], own[2])
    except ValueError as error:
        found['error'] = str(error)
    return found


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    return run_on_two_ranks(train_in_many_ways, tmp_path_factory.mktemp('ranks'))


@pytest.mark.parametrize('name, options, known', [
    ('mean', dict(reduction='mean', loss_weight=.5), True),
    ('sum', dict(reduction='sum', loss_weight=.5), True),
    ('unknown moments', {}, False)])
def test_two_ranks_train_as_one_process_with_all_pairs(ranks, name, options, known):
    first, second, instants = images()
    wanted = train(network(), HardnetLoss(alpha=1., **options), first, second,
                   instants if known else None)
    assert max(map(abs, wanted['gradient'])) > .1
    for rank in ranks:
        assert rank[name]['value'] == pytest.approx(wanted['value'])
        assert rank[name]['statistics'] == pytest.approx(wanted['statistics'])
        assert rank[name]['gradient'] == pytest.approx(wanted['gradient'], rel=1e-9, abs=1e-12)


def test_it_matters_that_negatives_are_those_of_all_ranks_and_moments_too(ranks):
    """The cases above would not pass by chance."""
    wanted = torch.tensor(ranks[0]['mean']['gradient']) / .5
    for name in ('alone', 'unknown moments'):
        assert (torch.tensor(ranks[0][name]['gradient']) - wanted).abs().max() > .01
    for rank, size in enumerate(SIZES):
        own = [part[-size:] if rank else part[:size] for part in images()]
        alone = train(network(), HardnetLoss(alpha=1., gather=False), *own)
        assert ranks[rank]['alone']['value'] == pytest.approx(alone['value'])


def test_a_broken_embedding_of_one_rank_is_an_error_on_all(ranks):
    for rank in ranks:
        assert 'anchors: the embedding in row 6 is not finite (1 of 8 rows)' in rank['error']


@pytest.mark.parametrize('reduction', ['mean', 'sum'])
@pytest.mark.parametrize('gather', [False, True])
def test_it_holds_a_weight_and_calls_its_function(gather, reduction):
    first, second, instants = images()
    loss = MODELS.build(dict(type='HardnetLoss', beta=.8, alpha=3., gather=gather, loss_weight=.5,
                             reduction=reduction))
    for known in (None, instants):
        wanted = .5 * hardnet_loss(first, second, known, .8, 3., reduction)
        assert torch.equal(loss(first, second, known), wanted)
        value, statistics = loss.with_statistics(first, second, known)
        assert torch.equal(value, wanted)
        assert statistics == hardnet_statistics(hardnet_distances(first, second, known, .8))


def test_the_papers_values_and_no_state():
    loss = MODELS.build(dict(type='HardnetLoss'))
    assert (loss.beta, loss.alpha, loss.gather, loss.loss_weight) == (.3, .6, True, 1.)
    assert not loss.state_dict() and not list(loss.parameters())


def test_shapes_are_refused_before_they_are_sent():
    with pytest.raises(ValueError, match=r'got \(8, 6\) and \(7, 6\)'):
        HardnetLoss()(images()[0], images()[1][:7])
