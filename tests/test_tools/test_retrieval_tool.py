"""The tool on written files, whole and broken."""
import json

import numpy as np
import pytest
import torch

from mmviewpose.functional import cross_view_retrieval


@pytest.fixture
def tool(load_tool):
    return load_tool('analysis/retrieval.py')


@pytest.fixture
def arrays():
    """Noisy embeddings of the pose; three views of each moment."""
    rng = np.random.default_rng(0)
    moments = rng.normal(size=(30, 5, 3))
    pose = 100 * np.repeat(moments, 3, 0)
    embedding = pose.reshape(90, -1) + 60 * rng.normal(size=(90, 15))
    return dict(embedding=embedding.astype('f4'), pose=pose.astype('f4'),
                view=np.tile(np.array(['left', 'front', 'right']), 30),
                subject=np.repeat(np.arange(3), 30) + 7,
                images=rng.integers(0, 255, (90, 3, 8, 8), dtype=np.uint8))


def saved(path, **arrays):
    np.savez(path, **arrays)
    return str(path)


def test_table_numbers_and_figures(tool, arrays, tmp_path, capsys):
    file, out = saved(tmp_path / 'a.npz', **arrays), tmp_path / 'figures'
    assert tool.main([file, '--json', str(tmp_path / 'a.json'), '--out', str(out), '--ks', '1',
                      '3', '--oracle-queries', '20', '--threshold', '40']) == 0
    text = capsys.readouterr().out
    found = json.loads((tmp_path / 'a.json').read_text())
    view, subject = (torch.from_numpy(np.unique(arrays[name], return_inverse=True)[1])
                     for name in ('view', 'subject'))
    expected = cross_view_retrieval(torch.from_numpy(arrays['embedding']),
                                    torch.from_numpy(arrays['pose']), view, subject, (1, 3), 40.,
                                    20)
    for name, case in expected.items():
        assert found['cases'][name]['mean'] == {str(k): v for k, v in case.mean.items()}
        assert f'{case.mean[1]:.2f}' in text and f'{case.relative[3]:.2f}' in text
    assert 'on 20 of 90 queries' in text and sum(found['distance_by_pose']['same_count']) > 0
    names = {'retrieval.png', 'distance.png', 'embedding.png', 'tsne.png', 'nearest.png'}
    assert {path.name for path in out.iterdir()} == names
    assert all(path.stat().st_size > 5000 for path in out.iterdir())


def test_pictures_with_channels_last_and_one_subject(tool, arrays, tmp_path, capsys):
    arrays.update(subject=np.zeros(90, dtype=int), images=arrays['images'].transpose(0, 2, 3, 1))
    tool.main([saved(tmp_path / 'a.npz', **arrays), '--ks', '2', '--out', str(tmp_path / 'b')])
    assert 'cross' not in capsys.readouterr().out
    assert (tmp_path / 'b' / 'nearest.png').is_file()


def broken():
    def nan(array):
        array = array.copy()
        array[4] = np.nan
        return array
    yield 'embedding', None, "no array 'embedding'"
    yield 'subject', None, "no array 'subject'"
    yield 'view', lambda a: a[:-1], "'view' has 89 rows, 'embedding' 90"
    yield 'pose', nan, "'pose' is not finite in row 4"
    yield 'embedding', nan, "'embedding' is not finite in row 4"
    yield 'pose', lambda a: a[..., :2], r"'pose' must be numbers (N, J, 3), is float32 (90, 5, 2)"
    yield 'view', lambda a: np.zeros(90), "'view' must be whole numbers or words (N,), is float64"
    yield 'view', lambda a: np.zeros(90, dtype=int), 'two views, there is view [0]'
    yield 'images', lambda a: a / 255., "'images' must be bytes"
    yield 'images', lambda a: a[:3], "'images' has 3 rows"
    yield 'subject', lambda a: a.astype(object), 'not an .npz of plain arrays'


@pytest.mark.parametrize('name, change, message', broken())
def test_broken_files_are_one_line(tool, arrays, tmp_path, capsys, name, change, message):
    if change is None:
        del arrays[name]
    else:
        arrays[name] = change(arrays[name])
    file = saved(tmp_path / 'broken.npz', **arrays)
    with pytest.raises(SystemExit) as caught:
        tool.main([file])
    error = capsys.readouterr().err
    assert caught.value.code == 1 and error.startswith(f'error: {file}: ') and message in error
    assert error.count('\n') == 1


def test_no_file_and_too_large_k(tool, arrays, tmp_path, capsys):
    other = tmp_path / 'text.npz'
    other.write_text('no archive')
    for argv, message in (([str(tmp_path / 'none.npz')], 'none.npz: there is no such file'),
                          ([str(other)], 'text.npz: not an .npz'),
                          ([saved(tmp_path / 'a.npz', **arrays), '--ks', '61'],
                           'a.npz: query 0 has 60 candidates that are allowed, k is 61; --ks')):
        with pytest.raises(SystemExit):
            tool.main(argv)
        assert message in capsys.readouterr().err
