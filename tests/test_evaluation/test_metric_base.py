import numpy as np
import pytest
import torch

pytest.importorskip('mmengine')

import torch.distributed as dist  # noqa: E402
from mmengine.dataset import DefaultSampler  # noqa: E402
from mmengine.evaluator import Evaluator  # noqa: E402
from torch.utils.data import BatchSampler  # noqa: E402
from two_ranks import run_on_two_ranks  # noqa: E402

from mmviewpose.evaluation import BatchedMetric, PoseErrorMetric  # noqa: E402

SIZE = 23  # odd, so that two ranks repeat a sample


def samples():
    generator = torch.Generator().manual_seed(0)
    target = 300 * torch.randn(SIZE, 17, 3, generator=generator)
    return dict(keypoints=target + 50 * torch.randn(SIZE, 17, 3, generator=generator),
                target=target, mask=torch.rand(SIZE, 17, generator=generator) < 0.9,
                index=torch.arange(SIZE), action=torch.arange(SIZE) % 3,
                take=[f'take{n % 2}' for n in range(SIZE)])


def take(fields, rows):
    return {key: value[rows] if isinstance(value, torch.Tensor) else [value[r] for r in rows]
            for key, value in fields.items()}


def evaluate(batch_size, shuffle=False):
    """What a test loop does, on the rank that it runs on."""
    evaluator = Evaluator(PoseErrorMetric(
        modes=('mpjpe', 'n-mpjpe', 'pa-mpjpe', 'pck3d', 'auc'), group_by=('action', 'take')))
    fields = samples()
    sampler = DefaultSampler(range(SIZE), shuffle=shuffle, seed=1)
    for rows in BatchSampler(sampler, batch_size, drop_last=False):
        evaluator.process([take(fields, rows)], data_batch=None)
    return evaluator.evaluate(SIZE)


def evaluate_sequences(batch_size):
    """The same for clips of five frames, some of them padding."""
    metric = PoseErrorMetric(modes=('mpjpe', 'pa-mpjpe', 'mpjve'), group_by='action')
    generator = torch.Generator().manual_seed(4)
    fields = dict(keypoints=100 * torch.randn(SIZE, 5, 17, 3, generator=generator),
                  target=100 * torch.randn(SIZE, 5, 17, 3, generator=generator),
                  mask=(torch.arange(5) < 3 + torch.arange(SIZE)[:, None] % 3)[..., None].expand(
                      SIZE, 5, 17), index=torch.arange(SIZE), action=torch.arange(SIZE) % 3)
    evaluator = Evaluator(metric)
    for rows in BatchSampler(DefaultSampler(range(SIZE), shuffle=False), batch_size, False):
        evaluator.process([take(fields, rows)], data_batch=None)
    return evaluator.evaluate(SIZE)


class Sum(BatchedMetric):

    def __init__(self, **kwargs):
        super().__init__(['value'], **kwargs)

    def compute(self, results):
        return dict(sum=results['value'].sum().item(), values=results['value'].tolist())


def batch(index, **fields):
    index = torch.as_tensor(index)
    return dict(value=10. * index, index=index, **fields)


def evaluate_in_parts():
    return [{**evaluate(batch_size, shuffle),
             **{f'clips/{name}': value for name, value in evaluate_sequences(batch_size).items()}}
            for batch_size, shuffle in ((4, False), (5, True))]


def evaluate_with_a_hole():
    metric = Sum()
    if dist.get_rank() == 0:  # the other rank has nothing at all
        metric.process(None, [batch([0, 3])])
    try:
        metric.evaluate(4)
    except RuntimeError as error:
        return str(error)


@pytest.fixture
def on_two_ranks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # mmengine exchanges files in the working directory
    return lambda action: run_on_two_ranks(action, tmp_path)


def test_two_ranks_with_a_padded_sampler_give_the_value_of_one(on_two_ranks):
    alone = evaluate(batch_size=SIZE)
    assert len(alone) == 5 * (1 + 4 + 3) and alone['MPJPE'] > 0
    alone.update({f'clips/{name}': value for name, value in evaluate_sequences(SIZE).items()})
    assert alone['clips/MPJVE'] > 0
    for rank in on_two_ranks(evaluate_in_parts):
        for parts in rank:
            assert parts == alone


def test_a_missing_sample_is_an_error_on_every_rank(on_two_ranks):
    for message in on_two_ranks(evaluate_with_a_hole):
        assert '2 of 4 samples were not predicted (index 1, 2)' in message


def test_the_size_and_order_of_batches_do_not_matter():
    assert evaluate(4) == evaluate(7, shuffle=True) == evaluate(SIZE)


def test_results_are_ordered_by_index_and_repeats_are_dropped():
    metric = Sum()
    metric.process(None, [batch([4, 2])])
    metric.process(None, [batch([0]), batch([2, 1, 3, 4])])
    assert metric.evaluate(5) == dict(sum=100., values=[0., 10., 20., 30., 40.])
    assert metric.results == []


def test_prefix_and_no_warning_without_one(caplog):
    metric = Sum(prefix='input')
    metric.process(None, [batch([0])])
    assert set(metric.evaluate(1)) == {'input/sum', 'input/values'}
    assert Sum().prefix == '' and 'prefix is not set' not in caplog.text


@pytest.mark.parametrize('size,index,message', [
    (4, [0, 1], '2 of 4 samples were not predicted .*drop_last'),
    (2, [0, 1, 5], 'index 5 is outside the data set of 2'),
    (3, [-1, 0, 1], 'index -1 is outside'),
])
def test_an_incomplete_or_foreign_index_is_an_error(size, index, message):
    metric = Sum()
    metric.process(None, [batch(index)])
    with pytest.raises(RuntimeError, match=message):
        metric.evaluate(size)
    assert metric.results == []


def test_nothing_predicted_is_an_error():
    with pytest.raises(RuntimeError, match='3 of 3 samples'):
        Sum().evaluate(3)


def test_a_bare_dict_is_refused_with_a_word_on_what_to_return():
    with pytest.raises(TypeError, match=r'returns \[dict'):
        Evaluator(Sum()).process(batch([0]))


def test_missing_and_uneven_fields_are_refused():
    with pytest.raises(KeyError, match="'value'"):
        Sum().process(None, [dict(index=torch.arange(2))])
    with pytest.raises(KeyError, match="'index'"):
        Sum().process(None, [dict(value=torch.zeros(2))])
    with pytest.raises(ValueError, match='1 entries for 2'):
        Sum().process(None, [dict(value=torch.zeros(1), index=torch.arange(2))])


def test_predictions_on_other_devices_and_with_gradient_are_detached():
    metric = Sum()
    fields = batch([0, 1])
    fields['value'].requires_grad_()
    fields['index'] = np.arange(2)
    metric.process(None, [fields])
    assert not metric.results[0]['value'].requires_grad
    assert metric.evaluate(2)['sum'] == 10
