import json

import numpy as np
import pytest


@pytest.fixture(scope='module')
def tool(load_tool):
    return load_tool('analysis/action_table.py')


@pytest.fixture
def metrics(tmp_path):
    """A function that writes metrics as tools/test.py --out does; gives the path."""

    def write(name, frames=50., metric='PA-MPJPE', group='action', **errors):
        content = {metric: frames, 'MPJPE': 1.,
                   **{f'{metric}/{group}={label}': value for label, value in errors.items()},
                   f'{metric}/mean-over-{group}': float(np.mean(list(errors.values())))}
        (tmp_path / name).write_text(json.dumps(content))
        return str(tmp_path / name)

    return write


def rows(text):
    lines = [[cell.strip() for cell in line.strip('|').split('|')] for line in text.splitlines()]
    return lines[0], dict((line[0], line[1:]) for line in lines[2:])


def run(tool, capsys, *arguments):
    tool.main([str(argument) for argument in arguments])
    return rows(capsys.readouterr().out)


def error_of(tool, capsys, *arguments):
    with pytest.raises(SystemExit):
        tool.main([str(argument) for argument in arguments])
    error = capsys.readouterr().err
    assert error.startswith('error: ') and len(error.splitlines()) == 1
    return error


def test_means_spread_order_and_the_best(tool, metrics, capsys, tmp_path):
    full = [metrics('a.json', 44., WalkDog=60., Directions=40., Photo=30.),
            metrics('b.json', 46., WalkDog=64., Directions=41., Photo=30.)]
    legs = metrics('c.json', 47., WalkDog=50., Directions=40.54, Photo=35.)
    head, found = run(tool, capsys, f'full={",".join(full)}', f'legs={legs}', '--out',
                      tmp_path / 'deep' / 'table.md')
    assert head == ['PA-MPJPE', 'Directions', 'Photo', 'WalkDog', 'mean by action',
                    'mean by frame']
    actions = [(40 + 30 + 60) / 3, (41 + 30 + 64) / 3]
    # 40.50 and 40.54 read the same: both are bold
    assert found == dict(
        full=['**40.5** ± 0.7', '**30.0** ± 0.0', '62.0 ± 2.8',
              f'{np.mean(actions):.1f} ± {np.std(actions, ddof=1):.1f}', '**45.0** ± 1.4'],
        legs=['**40.5**', '35.0', '**50.0**', '**41.8**', '47.0'])
    assert rows((tmp_path / 'deep' / 'table.md').read_text(encoding='utf-8')) == (head, found)


def test_higher_is_better_for_pck_and_one_model_has_no_best(tool, metrics, capsys):
    options = dict(metric='PCK3D@150mm', group='activity')
    a = metrics('a.json', 80., Sitting=80., Sports=70., **options)
    b = metrics('b.json', 90., Sitting=60., Sports=75., **options)
    arguments = ['--metric', 'PCK3D@150mm', '--group', 'activity', '--digits', '0']
    head, found = run(tool, capsys, f'a={a}', f'b={b}', *arguments)
    assert head[1:] == ['Sitting', 'Sports', 'mean by activity', 'mean by frame']
    assert found == dict(a=['**80**', '70', '**75**', '80'], b=['60', '**75**', '68', '**90**'])
    assert '**' not in str(run(tool, capsys, f'a={a}', *arguments))


def test_a_model_that_diverged_is_not_the_best(tool, metrics, capsys):
    a, b = metrics('a.json', float('nan'), Walking=float('nan')), metrics('b.json', Walking=9.)
    assert run(tool, capsys, f'a={a}', f'b={b}')[1] == dict(
        a=['nan'] * 3, b=['**9.0**', '**9.0**', '**50.0**'])


@pytest.mark.parametrize('given, expected', [
    (['WalkingTogether', 'WalkTogether', 'TakingPhoto', 'SittingDown_1', 'Sitting 2', 'Sitting'],
     ['TakingPhoto', 'Sitting', 'Sitting 2', 'SittingDown_1', 'WalkTogether', 'WalkingTogether']),
    (['walk', 'Walking', 'Directions'], ['Directions', 'Walking', 'walk']),
    (['10', '9', '-1'], ['-1', '9', '10']),
    (['10', 'a', '9'], ['9', '10', 'a']),
])
def test_order(tool, given, expected):
    assert tool.ordered(given) == expected


def test_all_of_human36m(tool):
    names = [spellings[0] for spellings in tool.H36M_ORDER]
    assert len(names) == 15 and tool.ordered(sorted(names)) == names
    assert names[12:] == ['Walking', 'WalkDog', 'WalkTogether']


def test_mistakes_in_one_line(tool, metrics, capsys, tmp_path):
    a, b = metrics('a.json', Walking=1., Eating=2.), metrics('b.json', Walking=1., Posing=2.)
    assert 'none.json: cannot be read' in error_of(tool, capsys, f'a={tmp_path / "none.json"}')
    message = error_of(tool, capsys, f'a={a}', '--metric', 'N-MPJPE')
    assert "a.json: no metric 'N-MPJPE'; there are: MPJPE, PA-MPJPE" in message
    message = error_of(tool, capsys, f'a={a}', '--group', 'subject')
    assert "PA-MPJPE is not there by subject: test with group_by='subject'" in message
    assert 'not there by action' in error_of(tool, capsys, f'a={a}', '--metric', 'MPJPE')
    message = error_of(tool, capsys, f'full={a}', f'legs={b}')
    assert 'full and legs differ in what they have by action: Eating, Posing' in message
    assert f'({a}) and full ({b}) differ' in error_of(tool, capsys, f'full={a},{b}')
    for wrong in ('a.json', '=a.json', 'a=', f'a={a},'):
        assert 'is not NAME=METRICS.json' in error_of(tool, capsys, wrong)
    for text in ('{', '[1]'):
        (tmp_path / 'c.json').write_text(text)
        assert 'c.json: not' in error_of(tool, capsys, f'a={tmp_path / "c.json"}')
