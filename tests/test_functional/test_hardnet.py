"""The Hardnet loss against loops in float64, its gradient, and pytorch-metric-learning."""
import math

import numpy as np
import pytest
import torch

from mmviewpose.functional import hardnet_loss
from mmviewpose.functional.hardnet import (HardnetDistances, contrastive_loss, hardnet_distances,
                                           hardnet_statistics)


def draw(*shape, seed=1):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def pairs(size=12, width=4, spread=1., noise=.2, seed=1):
    """Embeddings of length 1; with a small spread they lie close together."""
    poses = draw(1, width, seed=seed) + spread * draw(size, width, seed=seed + 1)
    seen = poses + noise * spread * draw(2, size, width, seed=seed + 2)
    return torch.nn.functional.normalize(seen, dim=2).unbind(0)


MOMENTS = torch.tensor([0, 1, 2, 3, 1, 4, 5, 5, 5, 6, 7, 0])  # of 12 pairs


def loop(anchors, positives, instants=None, beta=.3):
    """D(i, i) and D_min of Eq. 1, number by number."""
    anchors, positives = anchors.double().tolist(), positives.double().tolist()
    size = len(anchors)
    instants = list(range(size)) if instants is None else instants.tolist()

    def distance(i, j):
        return math.sqrt(sum((x - y)**2 for x, y in zip(anchors[i], positives[j])))

    near, far = [], []
    for i in range(size):
        near.append(distance(i, i))
        far.append(math.inf)
        for j in range(size):
            if j == i or instants[j] == instants[i]:
                continue
            for candidate in (distance(i, j), distance(j, i)):
                if candidate > beta:
                    far[i] = min(far[i], candidate)
    return np.array(near), np.array(far)


# ---------------------------------------------------------------------------------------
# Against loops


@pytest.mark.parametrize('reduction', ['mean', 'sum', 'none'])
@pytest.mark.parametrize('known', [False, True])
@pytest.mark.parametrize('spread, beta, alpha, without', [
    (1., .3, .6, 0),
    (1., 0., .6, 0),      # no distance is too small
    (1., .3, 5., 0),      # every negative costs
    (1., .3, 0., 0),      # none does
    (.1, .3, .6, 1),      # many are at beta or nearer, for one pair all
    (.03, .3, .6, 12),    # all are: no pair has a negative
])
def test_against_loops(spread, beta, alpha, without, known, reduction):
    anchors, positives = pairs(spread=spread)
    instants = MOMENTS if known else None
    near, far = loop(anchors, positives, instants, beta)
    assert np.isinf(far).sum() == without
    if without == 1:
        assert .5 < (torch.cdist(anchors, positives) <= beta).double().mean() < .9
    found = hardnet_distances(anchors, positives, instants, beta)
    np.testing.assert_allclose(found.positive, near, rtol=1e-12)
    np.testing.assert_allclose(found.negative, far, rtol=1e-12)
    terms = near + np.maximum(0, alpha - far)
    expected = {'none': terms, 'sum': terms.sum(), 'mean': terms.mean()}[reduction]
    loss = hardnet_loss(anchors, positives, instants, beta, alpha, reduction)
    np.testing.assert_allclose(loss, expected, rtol=1e-12)


def test_the_papers_thresholds():
    anchors, positives = pairs()
    torch.testing.assert_close(hardnet_loss(anchors, positives),
                               hardnet_loss(anchors, positives, None, .3, .6, 'mean'))


def test_numbers_by_hand():
    """Points on a line; without beta, or with a product instead of a mask, all is different."""
    anchors = torch.tensor([[0.], [1.], [3.]])
    positives = torch.tensor([[.25], [1.5], [2.]])
    # D = [[.25, 1.5, 2], [.75, .5, 1], [2.75, 1.5, 1]]
    found = hardnet_distances(anchors, positives, beta=.3)
    assert found.positive.tolist() == [.25, .5, 1.]
    assert found.negative.tolist() == [.75, .75, 1.]  # by column, by row, by column
    assert hardnet_distances(anchors, positives, beta=.8).negative.tolist() == [1.5, 1., 1.]
    assert hardnet_loss(anchors, positives, beta=.3, alpha=.8).item() == pytest.approx(
        (.25 + .05 + .5 + .05 + 1.) / 3)
    # pairs 0 and 1 are of one moment
    instants = torch.tensor([4, 4, 9])
    assert hardnet_distances(anchors, positives, instants).negative.tolist() == [2., 1., 1.]


def test_what_is_exactly_at_beta_is_no_negative():
    anchors = torch.tensor([[0., 0.], [3., 4.]])
    positives = torch.tensor([[0., 2.], [0., .5]])
    # D(0, 1) = 0.5, D(1, 0) = sqrt(13)
    for dtype in (torch.float32, torch.float64):
        given = anchors.to(dtype), positives.to(dtype)
        for beta, wanted in ((.5, 13**.5), (.499999, .5)):
            assert hardnet_distances(*given, beta=beta).negative.tolist() == pytest.approx(
                [wanted] * 2)
    # the same anchor and positive in two pairs: without a beta, too, no negatives
    for seed in range(20):
        point = draw(1, 128, seed=seed).float()
        found = hardnet_distances(point.repeat(3, 1), point.repeat(3, 1), beta=0.)
        assert found.negative.isinf().all()


def test_one_pair_has_only_attraction():
    anchors, positives = (part[:1] for part in pairs())
    found = hardnet_distances(anchors, positives)
    assert found.negative.tolist() == [math.inf]
    assert hardnet_loss(anchors, positives).item() == (anchors - positives).norm().item()


def test_a_frame_that_comes_twice_is_no_negative_of_itself():
    """Whichever cameras see it."""
    anchors, positives = draw(6, 4).repeat(2, 1) + .3 * draw(2, 12, 4, seed=2)
    instants = torch.arange(6).repeat(2)
    alone = hardnet_distances(anchors, positives).negative
    found = hardnet_distances(anchors, positives, instants).negative
    np.testing.assert_allclose(found, loop(anchors, positives, instants)[1])
    assert (found >= alone).all() and (found > alone).sum() > 6
    # of one moment only: nothing to hold apart
    one = torch.zeros(12, dtype=torch.long)
    assert hardnet_loss(anchors, positives, one).item() == pytest.approx(
        (anchors - positives).norm(dim=1).mean().item())


# ---------------------------------------------------------------------------------------
# Precision


@pytest.mark.parametrize('size, width', [(66, 128), (300, 16)])
def test_single_precision(size, width):
    anchors, positives = (part.float() for part in pairs(size, width, spread=.5))
    instants = torch.arange(size) % (size - 5)
    near, far = loop(anchors, positives, instants)
    found = hardnet_distances(anchors, positives, instants)
    assert found.negative.dtype == torch.float32
    np.testing.assert_allclose(found.positive, near, rtol=1e-6)
    np.testing.assert_allclose(found.negative, far, rtol=1e-6)


def test_close_together_and_far_from_the_origin():
    """Where squared distances from a product in single precision are noise."""
    anchors, positives = (100 + .01 * part for part in draw(2, 40, 8).float().unbind(0))
    near, far = loop(anchors, positives, beta=0.)
    found = hardnet_distances(anchors, positives, beta=0.)
    np.testing.assert_allclose(found.positive, near, rtol=1e-6)
    np.testing.assert_allclose(found.negative, far, rtol=1e-4)


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_less_than_single_precision(dtype):
    anchors, positives = (part.to(dtype).requires_grad_() for part in pairs())
    loss = hardnet_loss(anchors, positives)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, hardnet_loss(anchors.detach().float(),
                                                  positives.detach().float()))
    loss.backward()
    assert anchors.grad.dtype == dtype and anchors.grad.isfinite().all()


def test_autocast_changes_nothing():
    anchors, positives = (part.float() for part in pairs(66, 128))
    with torch.autocast('cpu', torch.bfloat16):
        inside = hardnet_loss(anchors, positives, reduction='none')
    assert torch.equal(inside, hardnet_loss(anchors, positives, reduction='none'))


# ---------------------------------------------------------------------------------------
# Invariances


def test_the_order_of_pairs_and_the_roles_in_them_do_not_matter():
    anchors, positives = pairs(spread=.5)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(0))
    for instants in (None, MOMENTS):
        terms = hardnet_loss(anchors, positives, instants, reduction='none')
        moved = None if instants is None else instants[order]
        torch.testing.assert_close(
            hardnet_loss(anchors[order], positives[order], moved, reduction='none'), terms[order])
        torch.testing.assert_close(
            hardnet_loss(positives, anchors, instants, reduction='none'), terms)


def test_distances_are_those_of_any_frame_of_reference_and_numbering():
    anchors, positives = pairs(spread=.5)
    turn = torch.linalg.qr(draw(4, 4, seed=5))[0]
    loss = hardnet_loss(anchors, positives, MOMENTS)
    torch.testing.assert_close(hardnet_loss(anchors @ turn + 3, positives @ turn + 3, MOMENTS), loss)
    torch.testing.assert_close(hardnet_loss(anchors, positives, 2**60 + 7 * MOMENTS), loss)
    torch.testing.assert_close(
        hardnet_loss(10 * anchors, 10 * positives, MOMENTS, 3., 6.), 10 * loss)


def test_the_layout_in_memory_does_not_matter():
    anchors, positives = pairs(spread=.5)
    both = torch.stack([anchors, positives], 1).flatten(0, 1)
    moments = MOMENTS.repeat_interleave(2)
    assert torch.equal(hardnet_loss(both[::2], both[1::2], moments[::2]),
                       hardnet_loss(anchors, positives, MOMENTS))


# ---------------------------------------------------------------------------------------
# Gradients


@pytest.mark.parametrize('spread, alpha', [(1., .6), (.5, 2.), (.03, .6)])
def test_gradients(spread, alpha):
    given = [part.requires_grad_() for part in pairs(spread=spread)]
    for instants in (None, MOMENTS):
        for reduction in ('mean', 'none'):
            assert torch.autograd.gradcheck(
                lambda x, y, known=instants, how=reduction: hardnet_loss(
                    x, y, known, alpha=alpha, reduction=how), given)


def test_a_step_against_the_gradient_holds_hard_negatives_apart():
    anchors, positives = (part.requires_grad_() for part in pairs(spread=.3))
    before = hardnet_distances(anchors, positives, beta=.1)
    assert (before.negative < .6).all()
    contrastive_loss(before, .6, 'sum').backward()
    with torch.no_grad():
        anchors -= .01 * anchors.grad
        positives -= .01 * positives.grad
    after = hardnet_distances(anchors, positives, beta=.1)
    assert after.negative.mean() > before.negative.mean()
    assert after.positive.mean() < before.positive.mean()


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@pytest.mark.parametrize('beta', [0., .3])
def test_equal_embeddings_have_a_finite_gradient(beta, dtype):
    point = pairs()[0][:1].to(dtype)
    anchors = pairs()[0].to(dtype)
    for first, second in ((point.repeat(5, 1), point.repeat(5, 1)),  # all collapsed
                          (anchors, anchors.clone()),                # pairs agree
                          (torch.zeros(3, 4, dtype=dtype), torch.zeros(3, 4, dtype=dtype))):
        first.requires_grad_(), second.requires_grad_()
        loss = hardnet_loss(first, second, beta=beta, alpha=5.)
        loss.backward()
        assert loss.isfinite() and first.grad.isfinite().all() and second.grad.isfinite().all()
    assert not first.grad.any()


def test_pairs_without_a_negative_send_no_gradient_to_others():
    anchors, positives = (part.requires_grad_() for part in pairs(spread=.03))
    terms = hardnet_loss(anchors, positives, reduction='none')
    terms[5].backward()
    assert anchors.grad[5].any()
    assert not anchors.grad[:5].any() and not positives.grad[6:].any()


# ---------------------------------------------------------------------------------------
# Statistics


def test_statistics_come_from_the_same_distances():
    anchors, positives = (part.requires_grad_() for part in pairs(spread=.08))
    near, far = loop(anchors, positives, MOMENTS)
    known = np.isfinite(far)
    assert 0 < known.sum() < 12
    found = hardnet_statistics(hardnet_distances(anchors, positives, MOMENTS))
    assert not any('loss' in name or value.requires_grad for name, value in found.items())
    assert {name: value.item() for name, value in found.items()} == pytest.approx(dict(
        positive_distance=near.mean(), negative_distance=far[known].mean(),
        without_negative=1 - known.mean()))


def test_statistics_of_a_batch_without_negatives():
    found = hardnet_statistics(HardnetDistances(torch.tensor([.25]), torch.tensor([math.inf])))
    assert {name: value.item() for name, value in found.items()} == dict(
        positive_distance=.25, negative_distance=0., without_negative=1.)


# ---------------------------------------------------------------------------------------
# Broken input


@pytest.mark.parametrize('shapes', [((4, 3), (5, 3)), ((4, 3), (4, 2)), ((4, ), (4, )),
                                    ((2, 4, 3), (2, 4, 3)), ((4, 0), (4, 0))])
def test_other_shapes_are_refused(shapes):
    first, second = (torch.zeros(shape) for shape in shapes)
    with pytest.raises(ValueError, match=r'embeddings \(m, D\) both, got \(.*\) and \('):
        hardnet_loss(first, second)


def test_other_types_are_refused():
    numbers = torch.zeros(4, 3)
    for first, second in ((numbers.long(), numbers.long()), (numbers, numbers.double())):
        with pytest.raises(ValueError, match='one floating-point type, got torch'):
            hardnet_loss(first, second)


@pytest.mark.parametrize('shape', [(3, ), (4, 1), ()])
def test_instants_that_do_not_fit_are_refused(shape):
    with pytest.raises(ValueError, match=r'4 pairs want instants \(4,\), got'):
        hardnet_loss(torch.zeros(4, 3), torch.zeros(4, 3), torch.zeros(shape).long())


def test_no_pairs_are_refused():
    with pytest.raises(ValueError, match='no pairs'):
        hardnet_loss(torch.zeros(0, 3), torch.zeros(0, 3))


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_named(value):
    for name, index in (('anchors', 0), ('positives', 1)):
        given = torch.stack(pairs())
        given[index, 7, 2] = given[index, 9, 1] = value
        with pytest.raises(ValueError, match=rf'{name}: .*row 7 is not finite \(2 of 12 rows\)'):
            hardnet_loss(*given)
    given[0, 3, 0] = -value  # the two must not cancel
    with pytest.raises(ValueError, match='anchors: the embedding in row 3'):
        hardnet_loss(*given)


def test_a_sum_that_overflows_is_no_fault():
    anchors, positives = (3e4 * part.half() for part in pairs(40, 4))
    assert not anchors.abs().sum().isfinite()
    assert hardnet_loss(anchors.abs(), positives).isfinite()


@pytest.mark.parametrize('value', [-.1, math.nan])
def test_negative_thresholds_are_refused(value):
    given = pairs()
    with pytest.raises(ValueError, match='alpha must not be negative'):
        hardnet_loss(*given, alpha=value)
    with pytest.raises(ValueError, match='beta must not be negative'):
        hardnet_loss(*given, beta=value)
    with pytest.raises(ValueError, match="got 'median'"):
        hardnet_loss(*given, reduction='median')


# ---------------------------------------------------------------------------------------
# pytorch-metric-learning


def value_and_gradient(loss, anchors, positives, *more):
    leaves = [part.clone().requires_grad_() for part in (anchors, positives)]
    value = loss(*leaves, *more)
    value.backward()
    return value.detach(), leaves[0].grad, leaves[1].grad


@pytest.mark.parametrize('spread', [1., .15, .08])
def test_both_directions_put_together_from_pytorch_metric_learning(spread, load_tool):
    pytest.importorskip('pytorch_metric_learning')
    theirs = load_tool('benchmarks/hardnet.py').metric_learning
    anchors, positives = pairs(spread=spread)
    for instants in (torch.arange(12), MOMENTS):
        torch.testing.assert_close(
            value_and_gradient(hardnet_loss, anchors, positives, instants),
            value_and_gradient(theirs, anchors, positives, instants), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize('alpha', [.6, 2.])
def test_one_call_of_pytorch_metric_learning_where_both_directions_agree(alpha):
    """With D = D^T rows and columns have the same minima: its hardest triplets, as pairs."""
    pytest.importorskip('pytorch_metric_learning')
    from pytorch_metric_learning import distances, losses, miners, reducers
    points = pairs()[0]
    distance = distances.LpDistance(normalize_embeddings=False)
    miner = miners.BatchHardMiner(distance=distance)
    contrastive = losses.ContrastiveLoss(0., alpha, distance=distance,
                                         reducer=reducers.MeanReducer())
    labels = torch.arange(12)
    mined = miner(points, labels, points, labels.clone())
    torch.testing.assert_close(
        hardnet_loss(points, points, beta=0., alpha=alpha),
        contrastive(points, indices_tuple=mined, ref_emb=points))
