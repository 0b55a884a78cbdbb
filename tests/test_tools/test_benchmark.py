import copy
import json
from types import SimpleNamespace

import pytest
import torch


@pytest.fixture(scope='module')
def benchmark(load_tool):
    return load_tool('benchmark.py')


@pytest.fixture
def folder(benchmark, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, 'FOLDER', tmp_path)
    (tmp_path / 'quick.py').write_text('"""A quick one."""\ndef run():\n    return dict(ratio=2.5)\n')
    (tmp_path / 'odd.py').write_text('"""Odd."""\ndef run():\n    return dict(ratio="x")\n')
    return tmp_path


def test_writes_flat_numbers(benchmark, folder, capsys):
    benchmark.main(['quick', '--json', str(folder / 'a.json')])
    assert json.loads((folder / 'a.json').read_text()) == {'ratio': 2.5}
    assert capsys.readouterr().out.split() == ['ratio', '2.5']


def test_lists_names(benchmark, folder, capsys):
    benchmark.main([])
    assert 'quick       A quick one.' in capsys.readouterr().out


def test_unknown_name(benchmark, folder, capsys):
    with pytest.raises(SystemExit) as caught:
        benchmark.main(['slow'])
    assert caught.value.code == 1
    assert "no benchmark 'slow'; there are: odd, quick" in capsys.readouterr().err


def test_what_is_not_a_number_is_not_written(benchmark, folder):
    with pytest.raises(TypeError, match='ratio'):
        benchmark.main(['odd', '--json', str(folder / 'a.json')])
    assert not (folder / 'a.json').exists()


def test_train_benchmark_measures_both(benchmark):
    pytest.importorskip('mmpose')
    module = benchmark.load('train')
    ratio, bare_ms = module._compare(8, 3, 3)
    assert 0 < ratio < 10 and bare_ms > 0
    module._register()
    assert 0 < module._growth(epochs=2, steps=5, history=100) < 50


def test_data_benchmark_makes_the_same_samples(benchmark, monkeypatch):
    pytest.importorskip('mmpose')
    module = benchmark.load('data')
    monkeypatch.setattr(module, 'BATCH_SIZES', (8, ))
    found = module.run(count=64, rounds=1)
    assert set(found) == {'max_diff', 'mmpose_8', 'ours_8', 'ratio_8'}
    assert found['max_diff'] < 1e-5 and found['ratio_8'] > 0


def test_consistency_benchmark_compares_equal_losses(benchmark):
    module = benchmark.load('consistency')
    found = module.run(batch_size=3, num_frames=9, rounds=2)
    assert {'ratio_v2', 'ratio_v3', 'ratio_v4', 'max_grad_rel_err'} <= set(found)
    assert min(found.values()) > 0 and found['max_grad_rel_err'] < 1e-4
    pred = module._predictions(3, 3, 9)
    torch.testing.assert_close(module.published_form(pred),
                               module.multiview_consistency(pred, reduction='none'))


def test_lifting_benchmark_trains_all_forms(benchmark):
    pytest.importorskip('mmpose')
    found = benchmark.load('lifting').run(
        num_clips=1, num_frames=27, rounds=1, mixed_batch=16, array_batch=16, channels=64)
    assert {'ratio_mixed', 'ratio_array'} <= set(found) and min(found.values()) > 0


@pytest.fixture
def partlift(benchmark, monkeypatch):
    module = benchmark.load('partlift')
    for name, size in (('BATCH', 16), ('WIDTH', 8)):
        monkeypatch.setattr(module, name, size)
    return module


def test_partlift_benchmark(benchmark, partlift, monkeypatch, capsys):
    benchmark.main([])
    assert 'partlift    Adversarial part-wise lifting' in capsys.readouterr().out
    asked, gain = [], partlift._batched_gain
    monkeypatch.setattr(partlift, '_batched_gain', lambda size, steps: asked.append(size) or (
        gain(size, 1) if size == 16 else 1.))
    threads = torch.get_num_threads()
    found = partlift.run(steps=1, epochs=2)
    assert set(found) == {'of_bare', 'samples_per_s', 'bare_ms', 'batched_gain',
                          'batched_gain_256'}
    assert min(found.values()) > 0 and asked == [16, 256]
    assert torch.get_num_threads() == threads


def test_the_bare_loop_of_partlift_does_the_same_step(partlift):
    from mmengine.optim import build_optim_wrapper
    from mmengine.registry import DefaultScope

    from mmviewpose.registry import MODELS
    cfg = partlift._config('', 16, 1, 1)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmviewpose'):
        model = MODELS.build(cfg.model)
        wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    before, inputs = copy.deepcopy(model.state_dict()), 300 * torch.randn(16, 17, 2)
    watch = partlift._BareLoopBetweenSteps()
    watch.before_train(SimpleNamespace(model=model))
    torch.manual_seed(1)
    bare_loss = watch._bare_step(inputs)
    torch.manual_seed(1)
    log = model.train_step(dict(inputs=inputs, data_samples={}), wrapper)
    torch.testing.assert_close(bare_loss, log['critic_loss'])
    torch.testing.assert_close(watch.model.state_dict(), model.state_dict())
    for part in ('lifter', 'critic'):
        assert not torch.equal(model.state_dict()[f'{part}.trunk.0.weight'],
                               before[f'{part}.trunk.0.weight'])


def test_uvi_benchmark_compares_equal_losses(benchmark):
    module = benchmark.load('uvi')
    threads = torch.get_num_threads()
    tiny = {'model.pose_encoder.width': 4, 'model.pose_encoder.hidden': (16, ),
            'model.view_encoder.channels': (4, 4), 'model.decoder.width': 4}
    found = module.run(batch_size=3, rounds=2, options=tiny)
    assert set(found) == {f'{name}{ending}' for name in ('ratio', 'calls_ms', 'ours_ms')
                          for ending in ('', '_batch5')} | {'max_loss_rel_diff'}
    assert found.pop('max_loss_rel_diff') < 1e-5 and min(found.values()) > 0
    assert torch.get_num_threads() == threads
    # which view is the first matters to neither form
    model, batch = module._model(tiny).eval(), module._batch(3)
    names = set(module.call_by_call(model, batch))
    assert names == set(module.batched(model, batch)) and len(names) == 4
    batch['inputs']['partner'] = batch['inputs']['images']
    swapped = {name: batch['inputs'][name].flip(1) for name in batch['inputs']}
    mirrored = dict(inputs=swapped, data_samples=dict(shift=batch['data_samples']['shift'].flip(1)))
    torch.testing.assert_close(module.call_by_call(model, batch),
                               module.batched(model, mirrored))


def test_hardnet_benchmark_compares_equal_losses(benchmark, monkeypatch):
    pytest.importorskip('pytorch_metric_learning')
    module = benchmark.load('hardnet')
    monkeypatch.setattr(module, 'SIZES', (10, 20))
    threads = torch.get_num_threads()
    found = module.run(rounds=2)
    assert set(found) == {'max_rel_diff'} | {
        f'{name}{ending}' for name in ('ratio', 'ratio_pml', 'loop_ms', 'ours_ms', 'pml_ms')
        for ending in ('', '_20')}
    assert found['max_rel_diff'] < 1e-5 and min(found.values()) > 0
    assert torch.get_num_threads() == threads
    # what is measured has pairs that are too near, some that cost, and moments that come twice
    anchors, positives, instants = module._pairs(66)
    distances = torch.cdist(anchors, positives).fill_diagonal_(9.)
    assert (distances <= module.BETA).any() and len(instants.unique()) < 66
    assert 0 < (distances.amin(1) < module.ALPHA).sum() < 66


def test_hardnet_benchmark_does_not_report_forms_that_differ(benchmark, monkeypatch):
    module = benchmark.load('hardnet')
    monkeypatch.setattr(module, 'SIZES', (10, ))
    monkeypatch.setattr(module, '_forms', lambda: dict(
        loop=module.pair_by_pair, ours=lambda *pairs: 1.01 * module.ours(*pairs)))
    with pytest.raises(RuntimeError, match='do not agree: 1.0e-02'):
        module.run(rounds=1)
