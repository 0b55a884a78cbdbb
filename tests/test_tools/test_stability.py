"""The tool on logs as mmengine writes them."""
import json

import pytest


@pytest.fixture
def tool(load_tool):
    return load_tool('analysis/stability.py')


@pytest.fixture
def runs(tmp_path):
    """Three seeds, eight epochs: epoch e of seed s has 20 - e + 2 s, seed 1's last is 30."""
    for seed in range(3):
        file = tmp_path / f'full/seed{seed}/20260101_000000/vis_data/scalars.json'
        file.parent.mkdir(parents=True)
        values = [20. - epoch + 2 * seed for epoch in range(1, 9)]
        if seed == 1:
            values[-1] = 30.
        lines = [dict(lr=.1, loss=1., epoch=1, iter=10, step=10)]
        lines += [{'PA-MPJPE': value, 'PCK@150': 50., 'time': .1, 'step': epoch}
                  for epoch, value in enumerate(values, 1)]
        file.write_text('\n'.join(map(json.dumps, lines)) + '\n')
    return tmp_path / 'full'


def test_numbers_and_picture(tool, runs, tmp_path, capsys):
    seeds = ','.join(str(runs / f'seed{seed}') for seed in range(3))
    out, numbers = tmp_path / 'out' / 'stability.png', tmp_path / 'out' / 'stability.json'
    assert tool.main([f'full={seeds}', f'alone={runs / "seed0"}', '--out', str(out),
                      '--json', str(numbers)]) == 0
    text = capsys.readouterr().out
    lines = {line.split()[0]: line for line in text.splitlines()}
    # last 12, 30, 16; mean of 5 to 8 13.5, 19.5, 17.5; best 12, 15, 16
    assert '19.33 +- 9.45' in lines['full'] and '16.83 +- 3.06' in lines['full']
    assert '14.33 +- 2.08' in lines['full'] and '+-' not in lines['alone']
    assert 'last epoch (8)' in text and 'epoch 5 to 8' in text and 'validation labels' in text
    assert out.stat().st_size > 10000
    found = json.loads(numbers.read_text())
    assert found['range'] == [5, 8] and found['models']['full']['best']['seeds'] == [12, 15, 16]
    assert found['models']['alone']['last'] == dict(how='last epoch (8)', mean=12., std=None,
                                                    seeds=[12.])
    assert len(found['models']['full']['logs']) == 3


def test_range_and_metric(tool, runs, tmp_path, capsys):
    tool.main([f'full={runs / "seed0"}', '--out', str(tmp_path / 'a.png'), '--from-epoch', '1',
               '--to-epoch', '2'])
    assert '18.50' in capsys.readouterr().out
    tool.main([f'full={runs / "seed0"}', '--out', str(tmp_path / 'a.png'), '--metric', 'PCK@150',
               '--highest'])
    assert capsys.readouterr().out.count('50.00') == 3


@pytest.mark.parametrize('models, more, message', [
    (['full'], [], 'NAME=DIR'),
    (['full={}/seed0,{}/seed0'], [], 'twice'),
    (['full={}/seed7'], [], 'no such folder'),
    (['full={}'], [], 'seed0'),
    (['full={}/empty'], [], 'no log'),
    (['full={}/seed0'], ['--metric', 'MPJPE'], "no metric 'MPJPE'; there are: PA-MPJPE, PCK@150"),
    (['full={}/seed0'], ['--from-epoch', '9'], 'no validation from epoch 9 to 8'),
    (['full={}/seed0,{}/short'], [], 'differ in their validations: 4 at epoch 1 to 4'),
    (['full={}/seed0', 'other={}/short'], [], 'not trained equally long'),
])
def test_errors_are_one_line(tool, runs, capsys, models, more, message):
    (runs / 'empty').mkdir()
    whole = next((runs / 'seed0').glob('*/vis_data/*.json')).read_text().splitlines()
    short = runs / 'short/1/vis_data/scalars.json'
    short.parent.mkdir(parents=True)
    short.write_text('\n'.join(whole[:5]))
    with pytest.raises(SystemExit):
        tool.main([*(entry.replace('{}', str(runs)) for entry in models), *more,
                   '--out', str(runs / 'no.png')])
    # what other tests' loggers say of their closed streams stands before it
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith('error: ') and message in last
    assert not (runs / 'no.png').exists()
