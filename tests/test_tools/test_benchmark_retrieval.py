import pytest

pytest.importorskip('mmpose')


def test_values_agree_and_figures_have_their_names(load_tool, monkeypatch):
    module = load_tool('benchmarks/retrieval.py')
    monkeypatch.setattr(module, 'LOOPED', 5)
    monkeypatch.setattr(module, 'growth', lambda size: size / 10)
    found = module.run(count=120, rounds=1, sizes=(5000, ))
    assert found['max_rel_diff'] < 1e-4 and found['mb_5k'] == 500
    assert found['ratio_5k'] == found['loop_s'] / found['ours_s']
    assert found['of_products'] == found['ours_s'] / found['products_s']
