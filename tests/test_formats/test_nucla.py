import json

import numpy as np
import pytest

from mmviewpose.datasets.formats import nucla
from mmviewpose.errors import DatasetError


def sequence(seed, frames=4):
    return np.random.default_rng(seed).normal(size=(frames, 20, 3)) + 3


def test_read(nucla_folder):
    a, b = sequence(0), sequence(1, frames=1)
    clips = nucla.read_folder(nucla_folder({'a04_s10_e02_v03': a, 'a01_s01_e00_v01': b}))
    assert [c.name for c in clips] == ['a01_s01_e00_v01', 'a04_s10_e02_v03']
    clip = clips[1]
    np.testing.assert_allclose(clip.positions, a * 1000, rtol=1e-6)
    assert (clip.layout, clip.up, clip.fps) == ('nucla20', '+y', 30.)
    assert {k: clip.labels[k] for k in ('action', 'subject', 'episode', 'view')} == dict(
        action=4, subject=10, episode=2, view=3)
    assert clip.valid.all() and len(clips[0]) == 1


def test_broken_frames_are_masked_and_counted(nucla_folder):
    a = sequence(0, frames=6)
    a[1] = 0
    a[2, 5] = 0
    a[3, 7, 1] = np.nan
    a[4, 2, 0] = np.inf
    clip, = nucla.read_folder(nucla_folder({'a04_s01_e01_v01': a}))
    assert clip.valid.tolist() == [True, False, False, False, False, True]
    assert clip.num_masked == 4 and np.isfinite(clip.positions).all()
    np.testing.assert_allclose(clip.positions[3, 8], a[3, 8] * 1000, rtol=1e-6)


def test_splits_and_copies(nucla_folder):
    a, b, c = sequence(0), sequence(1), sequence(2)
    clips = nucla.read_folder(nucla_folder({
        'a02_s01_e00_v01': a, 'a02_s01_e00_v02': b, 'a02_s01_e00_v03': b, 'a03_s01_e00_v03': c}))
    train, test = nucla.cross_view(clips, 'train'), nucla.cross_view(clips, 'test')
    assert [len(train), len(test)] == [2, 2]
    assert nucla.duplicate_groups(clips) == [(1, 2)]
    assert nucla.copies_of(test, train).tolist() == [True, False]
    assert nucla.copies_of(train, test).tolist() == [False, True]
    marks = [[clip.labels[f'also_v{v}'] for v in (1, 2, 3)] for clip in clips]
    assert marks == [[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 0, 0]]


def wrong_joints():
    frames = sequence(0).tolist()
    frames[2] = frames[2][:19]
    return dict(skeletons=frames)


@pytest.mark.parametrize('content, message', [
    ('{"skeletons": [[[1.0, 2.0', 'truncated JSON'),
    ('[]', "no list 'skeletons'"),
    ('{"skeletons": []}', 'sequence a01_s01_e01_v01: no frames'),
    (json.dumps(wrong_joints()), r'frame 2: a frame must be 20 joints x 3 .* \(19, 3\)'),
    (json.dumps(dict(skeletons=sequence(0)[:, :17].tolist())), r'frame 0: .*\(17, 3\)'),
    (json.dumps(dict(skeletons=sequence(0)[..., :2].tolist())), r'frame 0: .*\(20, 2\)'),
    (json.dumps(dict(skeletons=[[['x'] * 3] * 20])), 'not numbers'),
    (json.dumps(dict(skeletons=np.zeros((3, 20, 3)).tolist())), 'every frame is all zero'),
    ('{"skeletons": [' + ','.join(['[' + ','.join(['[NaN,NaN,NaN]'] * 20) + ']'] * 2) + ']}',
     'every frame is all zero or not finite'),
])
def test_bad_files(tmp_path, content, message):
    path = tmp_path / 'a01_s01_e01_v01.json'
    path.write_text(content)
    with pytest.raises(DatasetError, match=message) as error:
        nucla.read_folder(tmp_path)
    assert str(path) in str(error.value)


def test_wrong_name_empty_folder_unreadable(tmp_path):
    with pytest.raises(DatasetError, match='holds no'):
        nucla.read_folder(tmp_path)
    (tmp_path / 'other.json').write_text('{}')
    with pytest.raises(DatasetError, match='not named aAA_sSS_eEE_vVV.json'):
        nucla.read_sequence(tmp_path / 'other.json')
    (tmp_path / 'a01_s01_e01_v01.json').mkdir()
    with pytest.raises(DatasetError, match='cannot be read'):
        nucla.read_sequence(tmp_path / 'a01_s01_e01_v01.json')
