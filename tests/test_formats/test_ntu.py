import numpy as np
import pytest

from mmviewpose.datasets.formats import ntu
from mmviewpose.errors import DatasetError

NAME = 'S001C002P003R002A013'


def body(seed, frames=6, motion=.1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(25, 3)) + [0, 0, 3] + motion * rng.normal(size=(frames, 25, 3))


def both(a, b):
    return [{72057594037944738: x, 72057594037944739: y} for x, y in zip(a, b)]


def test_read_main_and_all(ntu_folder):
    still, moving = body(0, motion=.01), body(1, motion=.3)
    folder = ntu_folder({NAME: both(still, moving)})
    clip, = ntu.read_folder(folder)
    assert (clip.name, clip.layout, clip.up, clip.fps) == (NAME, 'ntu25', '+y', 30.)
    np.testing.assert_allclose(clip.positions, moving * 1000, rtol=1e-6)
    assert {k: clip.labels[k] for k in ('setup', 'camera', 'subject', 'replication', 'action')} == \
        dict(setup=1, camera=2, subject=3, replication=2, action=13)

    first, second = ntu.read_folder(folder, bodies='all')
    assert (first.name, second.name) == (NAME + '_0', NAME + '_1')
    assert (first.labels['body'], second.labels['body']) == (0, 1)
    np.testing.assert_allclose(second.positions, still * 1000, rtol=1e-6)


def test_ids_that_differ_in_the_last_digit_are_two_bodies(ntu_folder):
    path = ntu_folder({NAME: both(body(0), body(1))}) / f'{NAME}.skeleton'
    assert len(ntu.read_bodies(path)) == 2


def test_frames_without_the_body_are_masked(ntu_folder):
    a = body(0, 5)
    frames = [{}, {7: a[1]}, {7: a[2]}, {7: np.zeros((25, 3))}, {7: a[4]}]
    clip, = ntu.read_folder(ntu_folder({NAME: frames}))
    assert clip.valid.tolist() == [False, True, True, False, True]
    assert (clip.positions[0] == 0).all()


def test_brief_bodies_are_not_the_main_actor():
    person, chair = body(0, 20, .05), np.full((20, 25, 3), np.nan)
    chair[:3] = body(1, 3, 2.)
    assert ntu.rank_bodies([chair, person]) == [1, 0]
    assert ntu.rank_bodies([person, body(2, 20, .5)]) == [1, 0]


@pytest.mark.parametrize('name, expected', [
    ('S001C001P001R001A001', dict(xsub60=1, xview60=0, xsub120=1, xset120=0)),
    ('S002C002P003R001A060', dict(xsub60=0, xview60=1, xsub120=0, xset120=1)),
    ('S018C003P045R001A061', dict(xsub60=-1, xview60=-1, xsub120=1, xset120=1)),
    ('S017C003P020R001A001', dict(xsub60=0, xview60=1, xsub120=0, xset120=0)),
])
def test_protocols(name, expected):
    labels = ntu.parse_name(name)
    assert {p: labels[p] for p in ntu.PROTOCOLS} == expected


def test_protocol_lists():
    assert len(ntu.SUBJECTS_60) == 20 and len(set(ntu.SUBJECTS_120)) == 53
    assert ntu.parse_name('walking') is None


def test_split(ntu_folder):
    names = ['S001C001P001R001A001', 'S001C002P003R001A001', 'S019C002P046R001A061']
    clips = ntu.read_folder(ntu_folder({n: [{7: body(0, 1)[0]}] for n in names}))
    assert [c.name for c in ntu.split(clips, 'xview60', 'train')] == names[1:2]
    assert [c.name for c in ntu.split(clips, 'xview60', 'test')] == names[:1]
    assert [c.name for c in ntu.split(clips, 'xset120', 'test')] == names
    assert [c.name for c in ntu.split(clips, 'xsub120', 'train')] == [names[0], names[2]]
    with pytest.raises(ValueError, match='protocol'):
        ntu.split(clips, 'xview120', 'train')


def test_a_body_of_zeros_is_left_out(ntu_folder):
    clips = ntu.read_folder(ntu_folder({NAME: [{7: p, 8: np.zeros((25, 3))} for p in body(0)]}),
                            bodies='all')
    assert [clip.name for clip in clips] == [f'{NAME}_0']
    with pytest.raises(DatasetError, match='no usable body'):
        ntu.read_folder(ntu_folder({NAME: [{7: np.zeros((25, 3))}] * 2}), bodies='all')


def test_missing_lists(ntu_folder, tmp_path):
    other = 'S001C003P003R002A013'
    folder = ntu_folder({NAME: [{7: body(0, 1)[0]}], other: [{}, {}]})
    with pytest.raises(DatasetError, match=f'{other}: no usable body in any frame.*missing'):
        ntu.read_folder(folder)
    listed = tmp_path / 'missing.txt'
    listed.write_text(f'302 samples are incomplete.\n\n{other}\n')
    assert [c.name for c in ntu.read_folder(folder, missing=listed)] == [NAME]
    (folder / ntu.MISSING_LISTS[1]).write_text(other)
    assert [c.name for c in ntu.read_folder(folder)] == [NAME]
    listed.write_text('nothing')
    with pytest.raises(DatasetError, match='names no sample'):
        ntu.read_folder(folder, missing=listed)


@pytest.mark.parametrize('edit, message', [
    (lambda t: t[:len(t) // 2].rsplit(' ', 1)[0], r'frame \d: the file ends too early'),
    (lambda t: '', 'frame 0: the file ends too early'),
    (lambda t: '0\n', 'no frames'),
    (lambda t: t.replace('\n25\n', '\n20\n', 1), 'frame 0: 20 joints, expected 25'),
    (lambda t: t.replace(' 200.1', ' oops', 1), 'frame 0: not a number'),
    (lambda t: t + '1\n', 'more values'),
    (lambda t: t.replace('6\n1\n', '5\n1\n', 1), 'more values'),
])
def test_broken_files_name_their_place(ntu_folder, edit, message):
    path = ntu_folder({NAME: [{7: p} for p in body(0)]}) / f'{NAME}.skeleton'
    path.write_text(edit(path.read_text()))
    with pytest.raises(DatasetError, match=message) as error:
        ntu.read_folder(path.parent)
    assert str(path) in str(error.value)


def test_all_nan_wrong_name_empty_folder(ntu_folder, tmp_path):
    with pytest.raises(DatasetError, match='no usable body'):
        ntu.read_folder(ntu_folder({NAME: [{7: np.full((25, 3), np.nan)}] * 2}))
    other = tmp_path / 'walk.skeleton'
    other.write_text('1\n0\n')
    with pytest.raises(DatasetError, match='not named SsssCcccPpppRrrrAaaa'):
        ntu.read_file(other)
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DatasetError, match=r'holds no \*\.skeleton'):
        ntu.read_folder(tmp_path / 'empty')
    with pytest.raises(ValueError, match='bodies'):
        ntu.read_folder(tmp_path, bodies='both')
