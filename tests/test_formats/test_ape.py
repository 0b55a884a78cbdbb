import json

import numpy as np
import pytest

from mmviewpose.datasets.formats import ape
from mmviewpose.errors import DatasetError


@pytest.mark.parametrize('flat', [False, True])
def test_pairs_in_both_layouts(ape_folder, flat):
    root, data = ape_folder(flat=flat)
    pairs = ape.read_pairs(root, 'test', (1, 2))
    for got, index in ((pairs.corrupted, 0), (pairs.clean, 1)):
        expected = np.concatenate([data[n, 'test'][index] for n in (1, 2)])
        np.testing.assert_allclose(got, expected, rtol=1e-6)
    assert pairs.num_moved.tolist() == [1, 1, 1, 2, 2, 2]
    moved = (np.abs(pairs.corrupted - pairs.clean).max(axis=-1) > 100).sum(axis=1)
    assert moved.tolist() == pairs.num_moved.tolist()


def test_clips(ape_folder):
    root, data = ape_folder()
    clips = ape.read_folder(root)
    assert len(clips) == 8
    clip = next(c for c in clips if c.name == 'remove2_train_clean')
    np.testing.assert_allclose(clip.positions, data[2, 'train'][1], rtol=1e-6)
    assert clip.labels == dict(split='train', num_moved=2, kind='clean')
    assert (clip.layout, clip.up, clip.fps) == ('ape17', '+y', 0.)


@pytest.mark.parametrize('content, message', [
    ('[[[1.0, 2.0', 'truncated JSON'),
    ('[]', 'not a list of poses, or an empty one'),
    ('{"a": 1}', 'not a list of poses'),
    (json.dumps(np.zeros((2, 16, 3)).tolist()), r'frame 0: a pose must be 17 x 3.*\(16, 3\)'),
    (json.dumps([[0.] * 51, [0.] * 50]), r'frame 1: .*\(50,\)'),
    (json.dumps([[0.] * 51, [float('nan')] * 51]), 'frame 1: a value is not finite'),
    (json.dumps([[0.] * 51, ['x'] * 51]), 'frame 1: .*not numbers'),
])
def test_bad_files(ape_folder, content, message):
    root, _ = ape_folder()
    path = root / 'remove1' / 'train' / 'APE_train.json'
    path.write_text(content)
    with pytest.raises(DatasetError, match=message) as error:
        ape.read_folder(root)
    assert str(path) in str(error.value)


def test_missing_files(ape_folder, tmp_path):
    root, _ = ape_folder()
    (root / 'remove2' / 'test' / 'APE_test_gt.json').write_text(json.dumps([[0.] * 51]))
    with pytest.raises(DatasetError, match='3 corrupted but 1 clean poses'):
        ape.read_pairs(root, 'test', (2,))
    with pytest.raises(DatasetError, match=r'remove3.*APE_train.json: cannot be read'):
        ape.read_pairs(root, 'train')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DatasetError, match='no folder removeN'):
        ape.read_folder(tmp_path / 'empty')
