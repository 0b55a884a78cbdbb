import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from mmviewpose.datasets.formats import cmu, nucla, read_archive
from mmviewpose.datasets.formats.convert import SOURCES, convert, read_source, summary
from mmviewpose.errors import DatasetError
from mmviewpose.skeletons import remap

TOOL = Path(__file__).parents[2] / 'tools' / 'dataset_converters' / 'skeletons.py'


def test_cmu(cmu_folder, tmp_path):
    root, _ = cmu_folder(frames=9)
    convert('cmu', root, tmp_path / 'cmu.npz', fps=30.)
    archive = read_archive(tmp_path / 'cmu.npz')
    expected = remap(cmu.read_folder(root)[0].positions[::4], 'cmu31', 'ape17')
    np.testing.assert_allclose(archive.positions, expected, rtol=1e-6, atol=1e-3)
    assert (archive.layout, archive.up, archive.fps.tolist()) == ('ape17', '+y', [30.])
    assert archive.labels['subject'].tolist() == [7]


def test_rates(cmu_folder):
    root, _ = cmu_folder(frames=9)
    assert convert('cmu', root, fps=None).fps.tolist() == [120.]
    assert len(convert('cmu', root, fps=50.).positions) == 4  # 0, 2.4, 4.8 and 7.2 of 8


def test_masks_and_other_layouts_come_along(nucla_folder, tmp_path):
    a = np.random.default_rng(0).normal(size=(4, 20, 3))
    a[2, 5] = 0
    folder = nucla_folder({'a01_s01_e00_v01': a, 'a01_s01_e00_v02': a})
    archive = convert('nucla', folder, tmp_path / 'n.npz', layout='h36m17')
    assert archive.valid.tolist() == [True, True, False, True] * 2
    assert archive.labels['also_v2'].tolist() == [1, 0]
    assert summary(archive) == '2 clips, 8 frames, 2 of them masked, layout h36m17, up +y'


def test_options_reach_the_reader(ntu_folder, ape_folder):
    points = np.random.default_rng(0).normal(size=(2, 25, 3))
    folder = ntu_folder({'S001C002P003R002A013': [{1: points[0], 2: points[1]}]})
    assert len(read_source('ntu', folder, bodies='all')) == 2
    root, _ = ape_folder()
    clips = read_source('ape', root)
    assert all(clip.fps == 0 for clip in clips)


def test_unknown_source_and_impossible_layout(nucla_folder):
    with pytest.raises(ValueError, match="no source 'vicon'; there are cmu, bvh"):
        convert('vicon', 'somewhere')
    folder = nucla_folder({'a01_s01_e00_v01': np.ones((2, 20, 3))})
    with pytest.raises(ValueError, match='nucla20 cannot be mapped to coco17.*left_eye'):
        convert('nucla', folder, layout='coco17')


def run_tool(monkeypatch, *args):
    monkeypatch.setattr(sys, 'argv', ['skeletons.py', *map(str, args)])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(TOOL), run_name='__main__')
    return end.value.code


def test_the_tool(nucla_folder, tmp_path, monkeypatch, capsys):
    folder = nucla_folder({'a01_s01_e00_v01': np.ones((2, 20, 3))})
    assert run_tool(monkeypatch, 'nucla', folder, tmp_path / 'out.npz') == 0
    assert '1 clips, 2 frames, 0 of them masked' in capsys.readouterr().out
    assert len(read_archive(tmp_path / 'out.npz')) == 1


def test_the_tool_fails_in_one_line_and_leaves_nothing(nucla_folder, tmp_path, monkeypatch, capsys):
    folder = nucla_folder({'a01_s01_e00_v01': np.ones((2, 19, 3))})
    assert run_tool(monkeypatch, 'nucla', folder, tmp_path / 'out.npz') == 1
    error = capsys.readouterr().err
    assert 'error: ' in error and 'a01_s01_e00_v01' in error and 'Traceback' not in error
    assert not (tmp_path / 'out.npz').exists()


@pytest.mark.parametrize('source', sorted(SOURCES))
def test_every_source_has_a_command_and_reports_an_empty_folder(source, tmp_path, monkeypatch,
                                                                capsys):
    (tmp_path / 'empty').mkdir()
    assert run_tool(monkeypatch, source, tmp_path / 'empty', tmp_path / 'out.npz') == 1
    assert str(tmp_path / 'empty') in capsys.readouterr().err
    with pytest.raises(DatasetError):
        convert(source, tmp_path / 'nowhere')


def test_readers_import_neither_torch_nor_openmmlab():
    folder = Path(nucla.__file__).parent
    for file in folder.glob('*.py'):
        for line in file.read_text().splitlines():
            words = line.split()
            if words[:1] in (['import'], ['from']):
                name = words[1]
                allowed = name.startswith(
                    ('mmviewpose.errors', 'mmviewpose.files', 'mmviewpose.skeletons'))
                assert allowed or not name.startswith(('torch', 'mm')), (file, line)
