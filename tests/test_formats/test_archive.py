import os

import numpy as np
import pytest

from mmviewpose.datasets.formats import SkeletonClip, from_clips, read_archive, write_archive
from mmviewpose.errors import DatasetError


def clips():
    rng = np.random.default_rng(0)
    return [SkeletonClip(rng.normal(size=(n, 17, 3)), 'ape17', '+y', fps, f'clip {n}', labels,
                         rng.random(n) > .3)
            for n, fps, labels in ((3, 30., dict(action=2, style='old')), (1, 0., dict(action=7)),
                                   (5, 50., dict(action=2, style='active')))]


def test_round_trip(tmp_path):
    source = clips()
    write_archive(tmp_path / 'new' / 'a.npz', source)
    archive = read_archive(tmp_path / 'new' / 'a.npz')
    assert len(archive) == 3 and archive.positions.shape == (9, 17, 3)
    assert archive.starts.tolist() == [0, 3, 4] and archive.lengths.tolist() == [3, 1, 5]
    assert archive.labels['action'].tolist() == [2, 7, 2]
    assert archive.labels['style'].tolist() == ['old', '', 'active']
    assert archive.labels['action'].dtype == np.int64
    for before, after in zip(source, archive.clips()):
        np.testing.assert_array_equal(before.positions, after.positions)
        np.testing.assert_array_equal(before.valid, after.valid)
        assert (before.name, before.fps, before.up) == (after.name, after.fps, after.up)
        assert before.labels.items() <= after.labels.items()
    np.testing.assert_array_equal(archive.clip(-1).positions, source[-1].positions)


def test_needs_no_pickle(tmp_path):
    write_archive(tmp_path / 'a.npz', clips())
    with np.load(tmp_path / 'a.npz', allow_pickle=False) as data:
        assert all(data[k].dtype != object for k in data.files)


def test_mixed_clips_are_refused(tmp_path):
    path = tmp_path / 'a.npz'
    with pytest.raises(DatasetError, match='no clips'):
        write_archive(path, [])
    other = clips()
    other[1].up = '+z'
    with pytest.raises(DatasetError, match='sequence clip 1: an archive has one layout'):
        write_archive(path, other)
    assert list(tmp_path.iterdir()) == []


def test_no_half_written_file(tmp_path, monkeypatch):
    path = tmp_path / 'a.npz'
    write_archive(path, clips())
    before = path.read_bytes()

    def fail(file, **arrays):
        file.write(b'half')
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(np, 'savez', fail)
    with pytest.raises(DatasetError, match='a.npz: cannot be written .No space'):
        write_archive(path, clips())
    assert path.read_bytes() == before and os.listdir(tmp_path) == ['a.npz']


@pytest.mark.parametrize('share', [0, .3, .9, .999])
def test_truncated_files(tmp_path, share):
    path = tmp_path / 'a.npz'
    write_archive(path, clips())
    whole = path.read_bytes()
    path.write_bytes(whole[:int(len(whole) * share)])
    with pytest.raises(DatasetError, match='a.npz: not a readable archive'):
        read_archive(path)


def test_damaged_bytes_are_found(tmp_path):
    path = tmp_path / 'a.npz'
    write_archive(path, clips())
    data = bytearray(path.read_bytes())
    data[300] ^= 0xff  # inside the positions
    path.write_bytes(bytes(data))
    with pytest.raises(DatasetError, match='not a readable archive'):
        read_archive(path)


def arrays(**changes):
    a = from_clips(clips())
    out = dict(positions=a.positions, lengths=a.lengths, names=a.names, fps=a.fps, valid=a.valid,
               layout=np.array('ape17'), up=np.array('+y'), format=np.array('mmviewpose-clips-1'),
               label_action=a.labels['action'])
    out.update(changes)
    return {k: v for k, v in out.items() if v is not None}


NAN = from_clips(clips()).positions.copy()
NAN[5, 2, 1] = np.nan


@pytest.mark.parametrize('changes, message', [
    (dict(positions=None), "no 'positions'"),
    (dict(positions=np.zeros((9, 16, 3), np.float32)), r'positions must be \(F, 17, 3\)'),
    (dict(positions=np.zeros((9, 17, 3))), 'float32'),
    (dict(positions=NAN), 'sequence clip 5: frame 1: a value is not finite'),
    (dict(lengths=np.array([3, 1, 6])), 'lengths must'),
    (dict(lengths=np.array([3, 0, 6])), 'lengths must'),
    (dict(valid=np.ones(8, bool)), 'valid must'),
    (dict(names=np.array(['a'])), 'one entry a clip'),
    (dict(label_action=np.array([1, 2])), 'one entry a clip'),
    (dict(up=np.array('up')), 'up must'),
    (dict(layout=np.array('ape99')), 'no skeleton layout'),
    (dict(format=np.array('other')), 'not an archive of clips'),
    (dict(format=None), 'not an archive of clips'),
    (dict(names=np.array(['a', 'b', 'c'], dtype=object)), 'not a readable archive'),
])
def test_arrays_that_disagree(tmp_path, changes, message):
    path = tmp_path / 'a.npz'
    np.savez(path, **arrays(**changes))
    with pytest.raises(DatasetError, match=message) as error:
        read_archive(path)
    assert str(path) in str(error.value)


def test_other_files(tmp_path):
    with pytest.raises(DatasetError, match='no such file'):
        read_archive(tmp_path / 'nowhere.npz')
    (tmp_path / 'a.npz').write_text('not a zip')
    with pytest.raises(DatasetError, match='not a readable archive'):
        read_archive(tmp_path / 'a.npz')
    np.save(tmp_path / 'a.npy', np.zeros(3))
    with pytest.raises(DatasetError, match='not a readable archive'):
        read_archive(tmp_path / 'a.npy')
