import importlib
import json
import sys

import pytest
from mmengine.config import Config

EXPERIMENTS = ('nucla', 'denoise', 'sebirenet-ablation', 'twoviews', 'twoviews-views')


@pytest.fixture(scope='module')
def reproduce(load_tool):
    return load_tool('reproduce.py')


@pytest.fixture(scope='module')
def runs(reproduce):
    return importlib.import_module('reproductions.runs')


def fake_metrics(part):
    """A number for every metric that an experiment may ask for."""
    names = ['acc/top1', 'unique/top1', 'MPJPE', 'N-MPJPE', 'PA-MPJPE', 'MPJVE', 'input/MPJPE',
             *[f'MPJPE/num_moved={count}' for count in range(1, 6)]]
    return {test: dict.fromkeys(names, .5) for test in part.tests}


@pytest.mark.parametrize('name', EXPERIMENTS)
def test_rows_and_configs_of_an_experiment(name, reproduce, runs, tmp_path, monkeypatch):
    seen = []

    def run_parts(parts, work_dir, jobs):
        seen.extend(parts)
        return {part.name: dict(metrics=fake_metrics(part), seconds=1.) for part in parts}

    module = importlib.import_module(f'reproductions.{name.replace("-", "_")}')
    monkeypatch.setattr(module, 'run_parts', run_parts)
    monkeypatch.setattr(module, 'prepare_archives', lambda *_: [])
    if name == 'twoviews':  # draws what trained lifters predict
        monkeypatch.delattr(module, 'draw')
    out = tmp_path / 'rows.json'
    reproduce.main([name, '--data', str(tmp_path), '--seeds', '2', '--json', str(out),
                    '--work-dir', str(tmp_path)])
    rows = json.loads(out.read_text())['rows']
    assert (tmp_path / f'{name}.png').stat().st_size > 10000
    assert len({row['name'] for row in rows}) == len(rows)
    assert all(set(row) == {'name', 'metric', 'mean', 'std', 'seeds', 'paper'} for row in rows)
    assert len({part.name for part in seen}) == len(seen)
    encoders = {part.name for part in seen if part.encoder is None}
    assert {part.encoder for part in seen if part.encoder} <= encoders
    by_name = {part.name: part for part in seen}
    kinds = {(part.config, part.encoder and by_name[part.encoder].config): part for part in seen}
    for part in kinds.values():
        if part.encoder:
            (tmp_path / part.encoder).mkdir(parents=True, exist_ok=True)
            (tmp_path / part.encoder / 'last_checkpoint').write_text('/encoder.pth')
        for test in [None, *part.tests.values()]:
            cfg = runs.config_of(part, tmp_path, test)
            assert isinstance(cfg, Config)
            assert ('/encoder.pth' in str(cfg.to_dict())) == bool(part.encoder)
        if part.encoder:
            trained = runs.config_of(by_name[part.encoder], tmp_path).model
            if 'backbone' in trained:  # a lifter starts from one of the same shape
                assert cfg.model.head == trained.head
                assert dict(cfg.model.backbone, dropout=0.) == dict(trained.backbone, dropout=0.)
                continue
            trained = trained.encoder
            for loader in (cfg.train_dataloader, cfg.test_dataloader):
                used = loader.dataset.prepare[-1].encoder
                assert used.get('decompose', True) == trained.get('decompose', True)


def test_what_a_part_was_made_from(runs, tmp_path):
    part = runs.Part('config/seed0', 'sebirenet_mocap')
    cfg = runs.config_of(part, tmp_path)

    def stamp(**options):
        changed = cfg.copy()
        changed.merge_from_dict(options)
        return runs._fingerprint(changed, part, tmp_path)

    first = stamp()
    assert stamp(log_level='DEBUG') == first and stamp(**{'model.feature': 2.}) != first
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data' / 'other.npz').write_bytes(b'1')
    assert stamp() == first
    (tmp_path / 'data' / 'cmu.npz').write_bytes(b'1')
    second = stamp()
    (tmp_path / 'data' / 'cmu.npz').write_bytes(b'12')
    assert len({first, second, stamp()}) == 3


def test_a_part_runs_once(runs, tmp_path):
    part = runs.Part(
        'tiny/seed0', 'sebirenet_synthetic',
        {'train_cfg.max_epochs': 1, 'param_scheduler.total_steps': 1,
         'train_dataloader.dataset.num_poses': 32, 'train_dataloader.batch_size': 16},
        {'few': {'test_dataloader.dataset.num_poses': 20}})
    first = runs.run_parts([part], tmp_path, jobs=1)
    result = tmp_path / 'tiny/seed0/result.json'
    written = result.stat().st_mtime_ns
    assert first['tiny/seed0']['metrics']['few']['MPJPE'] > 0
    assert runs._run(part, tmp_path) == first['tiny/seed0']
    assert result.stat().st_mtime_ns == written
    result.write_text('{"fingerprint": "hal')  # a run that was cut off
    assert runs._finished(result, first['tiny/seed0']['fingerprint']) is None


def test_a_failing_part_is_named(runs, tmp_path):
    with pytest.raises(RuntimeError, match='broken/seed0 failed.*log.txt'):
        runs.run_parts([runs.Part('broken/seed0', 'no_such_config')], tmp_path, jobs=1)


def test_missing_data_is_named(reproduce, tmp_path, capsys):
    with pytest.raises(SystemExit):
        reproduce.main(['nucla', '--data', str(tmp_path / 'nothing'), '--work-dir', str(tmp_path)])
    assert 'nothing' in capsys.readouterr().err


def test_results_page(load_tool, runs, tmp_path):
    page = load_tool('analysis/results_page.py')
    row = runs.row('no-encoder-standard', 'accuracy %', [80., 82.], 80.3)
    (tmp_path / 'nucla.json').write_text(json.dumps(dict(rows=[row])))
    (tmp_path / 'benchmark-data.json').write_text(json.dumps(dict(ratio_64=2.5)))
    page.main([str(tmp_path), '--out', str(tmp_path / 'page.md')])
    text = (tmp_path / 'page.md').read_text()
    assert '| no-encoder-standard | accuracy % | 81.0 | 1.4 | 80.0, 82.0 | 80.3 |' in text
    assert '| ratio_64 | 2.5 |' in text and 'tools/reproduce.py nucla' in text
    assert sys.version.split()[0] in text
