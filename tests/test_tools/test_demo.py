import re

import pytest

pytest.importorskip('mmpose')


def test_trains_tests_and_leaves_table_and_picture(load_tool, root, tmp_path, monkeypatch, capsys):
    demo = load_tool('demo.py')
    config = tmp_path / 'small.py'
    config.write_text(
        f"_base_ = [{str(root / 'configs/viewpose/sebirenet_synthetic.py')!r}]\n"
        'train_dataloader = dict(batch_size=32, dataset=dict(num_poses=64))\n'
        'val_dataloader = dict(dataset=dict(num_poses=60))\n'
        'test_dataloader = dict(dataset=dict(num_poses=60))\n')
    monkeypatch.setattr(demo, 'CONFIG', config)
    demo.main(['--work-dir', str(tmp_path / 'work'), '--epochs', '1'])
    text = capsys.readouterr().out
    rows = dict(re.findall(r'^(\d joints moved|all) +([\d.]+ +[\d.]+)$', text, re.M))
    assert list(rows) == [f'{n} joints moved' for n in range(1, 6)] + ['all']
    corrupted = [float(row.split()[0]) for row in rows.values()]
    assert corrupted[:5] == sorted(corrupted[:5]) and corrupted[0] > 10
    picture = tmp_path / 'work' / 'denoising.png'
    assert f'Picture: {picture}' in text and picture.stat().st_size > 10000
