import numpy as np
import pytest

from mmviewpose.datasets.formats.image_tree import list_frames
from mmviewpose.errors import DatasetError


@pytest.fixture
def folder(tmp_path):
    def make(*names):
        for name in names:
            (tmp_path / name).touch()
        return tmp_path
    return make


def test_numbers_come_in_order_and_name_their_files(folder):
    root = folder('MDepth-00000012.png', 'MDepth-00000002.png', 'MDepth-00000003.png',
                  '._MDepth-00000002.png', 'Thumbs.db')
    frames = list_frames(root, 'depth')
    assert frames.numbers.tolist() == [2, 3, 12]
    assert frames.path(12) == root / 'MDepth-00000012.png'


def test_densepose_is_what_ends_with_iuv(folder):
    root = folder(*(f'S001_rgb_{n}{end}' for n in (1, 9, 10, 100)
                    for end in ('_IUV.png', '_INDS.png')))
    frames = list_frames(root, 'densepose')
    assert frames.numbers.tolist() == [1, 9, 10, 100]
    assert all(frames.path(n).is_file() for n in frames.numbers)


def test_numbers_longer_than_their_padding(folder):
    root = folder('a_999.png', 'a_1000.png', 'a_001.png')
    frames = list_frames(root, 'depth')
    assert frames.numbers.dtype == np.int64 and frames.numbers.tolist() == [1, 999, 1000]
    assert all(frames.path(n).is_file() for n in frames.numbers)


@pytest.mark.parametrize('names, problem', [
    ((), 'holds no image'),
    (('a_1.jpg', ), 'holds no image'),
    (('a_1.png', 'b_2.png'), r'b_2\.png: sequence walk: not named a_NUMBER'),
    (('a_1.png', 'a_mean.png'), 'a_mean.png: sequence walk: not named a_NUMBER'),
    (('mean.png', ), 'not named meanNUMBER'),
    (('a_1.png', 'a_01.png'), 'a_01.png: sequence walk: numbers .* different widths'),
    (('a_1.png', 'a_1234567890123456789012.png'), 'not named a_NUMBER'),
])
def test_bad_names(folder, names, problem):
    with pytest.raises(DatasetError, match=problem):
        list_frames(folder(*names), 'depth', 'walk')


def test_no_folder(tmp_path):
    with pytest.raises(DatasetError, match='sequence walk: no such folder'):
        list_frames(tmp_path / 'absent', 'depth', 'walk')
    (tmp_path / 'file').touch()
    with pytest.raises(DatasetError, match='cannot be read'):
        list_frames(tmp_path / 'file', 'depth', 'walk')
