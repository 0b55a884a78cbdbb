import warnings

import numpy as np
import pytest
import torch

pytest.importorskip('mmaction')

from mmaction.structures import ActionDataSample  # noqa: E402
from mmengine.evaluator import Evaluator  # noqa: E402

from mmviewpose.registry import METRICS  # noqa: E402


def samples(outputs, labels, sequences=None, groups=None):
    """As a recognizer predicts them."""
    made = []
    for number, (scores, label) in enumerate(zip(outputs, labels)):
        sample = ActionDataSample(metainfo=dict(
            index=number, sequence=number if sequences is None else sequences[number],
            movement=0 if groups is None else groups[number]))
        for name, value in (('pred_score', torch.as_tensor(scores, dtype=torch.float32)),
                            ('gt_label', int(label))):
            setter = getattr(sample, f'set_{name}', None) or getattr(sample, f'set_{name}s')
            setter(value)
        made.append(sample)
    return made


def run(made, batch=3, **options):
    evaluator = Evaluator(METRICS.build(dict(type='RankCorrelation', **options)))
    for start in range(0, len(made), batch):
        evaluator.process(made[start:start + batch])
    return evaluator.evaluate(len(made))


def certain(scores, classes=5):
    return np.eye(classes)[scores]


def ranks(values):
    """Mean rank where values are equal."""
    values = np.asarray(values)
    return np.array([(values < v).sum() + ((values == v).sum() + 1) / 2 for v in values])


def spearman(first, second):
    """Pearson's correlation of ranks."""
    a, b = (ranks(part) - ranks(part).mean() for part in (first, second))
    return (a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum())


def test_with_ties_against_scipy_and_by_hand():
    scipy = pytest.importorskip('scipy.stats')
    rng = np.random.default_rng(0)
    labels = rng.integers(5, size=40)
    found = np.clip(labels + rng.integers(-2, 3, size=40), 0, 4)
    rho = run(samples(certain(found), labels))
    assert set(rho) == {'rho'}
    assert rho['rho'] == pytest.approx(spearman(found, labels))
    assert rho['rho'] == pytest.approx(scipy.spearmanr(found, labels)[0])
    assert .4 < rho['rho'] < .95


@pytest.mark.parametrize('found, rho', [
    ([0, 1, 2, 3, 4], 1.), ([4, 3, 2, 1, 0], -1.), ([0, 1, 1, 2, 4], None)])
def test_right_and_reversed_orders(found, rho):
    labels = [0, 1, 2, 3, 4]
    expected = spearman(found, labels) if rho is None else rho
    assert run(samples(certain(found), labels))['rho'] == pytest.approx(expected)


def test_outputs_of_clips_are_averaged_before_the_class_is_chosen():
    """By majority sequence 0 would get 0, by the mean it gets 2."""
    outputs = [[.4, .3, .3], [.4, .2, .4], [0, .1, .9],  # sequence 0
               [.1, .8, .1], [.2, .5, .3],  # 1
               [.9, 0, .1]]  # 2
    sequences = [0, 0, 0, 1, 1, 2]
    right = run(samples(outputs, [2, 2, 2, 1, 1, 0], sequences))
    assert right['rho'] == pytest.approx(1.)
    order = [5, 2, 3, 0, 4, 1]  # clips come in any order
    shuffled = run(samples([outputs[n] for n in order], [[2, 2, 2, 1, 1, 0][n] for n in order],
                           [sequences[n] for n in order]), batch=2)
    assert shuffled == right
    # scores (2, 1, 0) for labels (0, 1, 2)
    assert run(samples(outputs, [0, 0, 0, 1, 1, 2], sequences))['rho'] == pytest.approx(-1.)


def test_each_recording_counts_once():
    """However many clips it has."""
    labels, found = [0, 1, 2, 3], [1, 0, 2, 3]
    times = [5, 1, 1, 2]
    rho = run(samples(np.repeat(certain(found), times, 0), np.repeat(labels, times),
                      np.repeat(range(4), times)))
    assert rho['rho'] == pytest.approx(spearman(found, labels)) == pytest.approx(.8)


def test_movements_and_their_mean():
    labels = [0, 1, 2, 0, 1, 2, 2, 3]
    found = [0, 1, 2, 2, 1, 0, 3, 2]
    groups = [4, 4, 4, 7, 7, 7, 7, 7]
    rho = run(samples(certain(found), labels, groups=groups), group_by='movement')
    second = spearman(found[3:], labels[3:])
    assert rho == {'rho/4': pytest.approx(1.), 'rho/7': pytest.approx(second),
                   'rho': pytest.approx((1 + second) / 2)}
    together = run(samples(certain(found), labels, groups=groups))
    assert together == dict(rho=pytest.approx(spearman(found, labels)))
    named = run(samples(certain(found), labels, groups=groups), group_by='movement',
                prefix='cross-view')
    assert set(named) == {'cross-view/rho', 'cross-view/rho/4', 'cross-view/rho/7'}


def test_a_constant_prediction_counts_as_0():
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert run(samples(certain([2, 2, 2, 2]), [0, 1, 2, 3]))['rho'] == 0
        assert run(samples(certain([0, 1, 2, 3]), [2, 2, 2, 2]))['rho'] == 0
        assert run(samples(certain([3]), [3]))['rho'] == 0
        rho = run(samples(certain([1, 1, 0, 1]), [0, 1, 0, 1], groups=[0, 0, 1, 1]),
                  group_by='movement')
    assert rho == {'rho/0': 0., 'rho/1': pytest.approx(1.), 'rho': pytest.approx(.5)}


def test_another_name_of_the_recording():
    made = samples(certain([0, 2, 1, 1]), [0, 0, 1, 2], sequences=[9, 9, 9, 9], groups=[0, 0, 1, 2])
    rho = run(made, sequence='movement')
    # the mean of the first two is a tie of classes 0 and 2, of which the lower counts
    assert rho['rho'] == pytest.approx(spearman([0, 1, 1], [0, 1, 2]))


def test_a_sample_without_its_entries():
    with pytest.raises(KeyError, match='action'):
        run(samples(certain([0, 1]), [0, 1]), group_by='action')
    with pytest.raises(KeyError, match='clip'):
        run(samples(certain([0, 1]), [0, 1]), sequence='clip')


def test_samples_that_a_padded_sampler_repeats_are_cut_off():
    made = samples(certain([0, 1, 2, 3, 3]), [0, 1, 2, 3, 4])
    metric = METRICS.build(dict(type='RankCorrelation'))
    metric.process(None, [sample.to_dict() for sample in [*made, made[0]]])
    metric.results[-1] = dict(metric.results[-1], outputs=np.eye(5)[4])  # would spoil the mean
    assert metric.evaluate(5)['rho'] == pytest.approx(spearman([0, 1, 2, 3, 3], [0, 1, 2, 3, 4]))
