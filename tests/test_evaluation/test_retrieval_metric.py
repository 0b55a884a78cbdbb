import logging

import numpy as np
import pytest
import torch

pytest.importorskip('mmengine')

from mmviewpose.functional import cross_view_retrieval  # noqa: E402
from mmviewpose.registry import METRICS  # noqa: E402


def predictions(count=36, subjects=3):
    generator = torch.Generator().manual_seed(0)
    return dict(embedding=torch.randn(count, 5, generator=generator),
                target=100 * torch.randn(count, 4, 3, generator=generator),
                view=torch.arange(count) % 3, subject=torch.arange(count) // 3 % subjects,
                index=torch.arange(count))


def run(values, **options):
    """Over batches of five in another order, some samples twice."""
    metric = METRICS.build(dict(dict(type='RetrievalMetric', ks=(1, 4), oracle_queries=10),
                                **options))
    size = len(values['index'])
    rows = torch.randperm(size, generator=torch.Generator().manual_seed(1))
    for part in [*rows.split(5), rows[:3]]:
        metric.process(None, [{key: value[part.numpy()] for key, value in values.items()}])
    return metric.evaluate(size)


def test_figures_of_both_cases():
    values = predictions()
    found = run(values, threshold=90., seed=3)
    cases = cross_view_retrieval(values['embedding'], values['target'], values['view'],
                                 values['subject'], (1, 4), 90., 10, 3)
    assert len(found) == 2 * 2 * 5
    for name in ('same', 'cross'):
        for k in (1, 4):
            mean, case = f'{name}/Mean-PA-MPJPE@{k}', cases[name]
            assert found[mean] == case.mean[k]
            assert found[f'{name}/Hit@{k}(90mm)'] == case.hit[k]
            assert found[f'{mean}/oracle'] == case.oracle[k]
            assert found[f'{mean}/random'] == case.random[k]
            assert found[f'{mean}/relative'] == case.relative[k]


def test_other_names_words_and_prefix():
    values = predictions()
    expected = run(values)
    values['who'] = np.array(['S9', 'S11', 'S1'])[values.pop('subject').numpy()]
    values['code'], values['view'] = values.pop('embedding'), values['view'][:, None]
    found = run(values, embedding_key='code', subject_key='who', prefix='val')
    assert found == {f'val/{key}': value for key, value in expected.items()}


def test_one_subject_leaves_cross_out(caplog):
    with caplog.at_level(logging.INFO):
        found = run(predictions(subjects=1))
    assert {name.split('/')[0] for name in found} == {'same'}


@pytest.mark.parametrize('name', ['embeddings.npz', 'embeddings'])
def test_the_file_for_the_tool(name, tmp_path):
    values, path = predictions(), tmp_path / 'new' / name
    run(values, out_file=str(path))
    with np.load(path, allow_pickle=False) as file:
        assert set(file.files) == {'embedding', 'pose', 'view', 'subject'}
        for name, key in dict(embedding='embedding', pose='target', view='view',
                              subject='subject').items():
            np.testing.assert_array_equal(file[name], values[key].numpy())
    assert len(list(path.parent.iterdir())) == 1


def test_what_cannot_be_measured_is_an_error():
    values = predictions()
    with pytest.raises(ValueError, match='two views'):
        run(dict(values, view=0 * values['view']))
    with pytest.raises(ValueError, match='query 0 has 24 candidates that are allowed, k is 25'):
        run(values, ks=(25, ))
    values['embedding'][4] = float('nan')
    with pytest.raises(ValueError, match='embedding 4 is not finite'):
        run(values)
    for options in (dict(ks=()), dict(ks=(0, )), dict(oracle_queries=0)):
        with pytest.raises(ValueError):
            METRICS.build(dict(type='RetrievalMetric', **options))
    with pytest.raises(KeyError, match='view'):
        run({key: value for key, value in values.items() if key != 'view'})
