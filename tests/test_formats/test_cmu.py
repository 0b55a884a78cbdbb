import math
import re

import numpy as np
import pytest

from mmviewpose.datasets.formats import cmu
from mmviewpose.errors import DatasetError

MM = 25.4 / 0.45


def turn(axis, degrees):
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array({'x': [[1, 0, 0], [0, c, -s], [0, s, c]],
                     'y': [[c, 0, s], [0, 1, 0], [-s, 0, c]],
                     'z': [[c, -s, 0], [s, c, 0], [0, 0, 1]]}[axis])


def xyz(x, y, z):
    """x turns first."""
    return turn('z', z) @ turn('y', y) @ turn('x', x)


def slow_positions(data, parents, dofs, frame):
    """Acclaim's forward kinematics of one frame, a bone at a time, by recursion."""
    place = {'root': data['motion']['root'][frame, :3]}
    basis = {'root': xyz(*data['motion']['root'][frame, 3:])}

    def solve(name):
        if name in place:
            return
        solve(parents[name])
        direction, length, axis = data['bones'][name]
        angles = dict.fromkeys(('rx', 'ry', 'rz'), 0.)
        if dofs[name]:
            angles.update(zip(dofs[name], data['motion'][name][frame]))
        own = xyz(*axis)
        local = own @ xyz(angles['rx'], angles['ry'], angles['rz']) @ np.linalg.inv(own)
        basis[name] = basis[parents[name]] @ local
        place[name] = place[parents[name]] + basis[name] @ (np.asarray(direction) * length)

    for bone in data['bones']:
        solve(bone)
    return np.stack([place[name] for name in cmu.BONES]) * MM



def test_forward_kinematics_matches_a_slow_reference(cmu_folder, cmu_hierarchy):
    root, data = cmu_folder(seed=3, frames=5)
    asf = cmu.read_asf(root / '07' / '07.asf')
    exact = cmu.joint_positions(asf, cmu.read_amc(root / '07' / '07_03.amc', asf))
    names = ['root'] + [b.name for b in asf.bones]
    exact = exact[:, [names.index(b) for b in cmu.BONES]]
    expected = np.stack([slow_positions(data, *cmu_hierarchy, f) for f in range(5)])
    assert exact.dtype == np.float64
    np.testing.assert_allclose(exact, expected, atol=1e-8)

    clip, = cmu.read_folder(root)
    np.testing.assert_allclose(clip.positions, expected, rtol=1e-6, atol=1e-3)
    assert (clip.layout, clip.up, clip.fps, clip.name) == ('cmu31', '+y', 120., '07_03')
    assert clip.labels == dict(subject=7, trial=3) and clip.valid.all()


def test_stride_reads_every_nth_frame(cmu_folder):
    root, _ = cmu_folder(frames=7)
    whole, third = cmu.read_folder(root)[0], cmu.read_folder(root, stride=3)[0]
    np.testing.assert_array_equal(third.positions, whole.positions[::3])
    assert third.fps == 40.


def test_frames_in_errors_count_the_file_not_the_stride(cmu_folder):
    root, _ = cmu_folder(frames=7, edit=change('head', 6, 'head 1.0 nan 3.0'))
    with pytest.raises(DatasetError, match='frame 6: '):
        cmu.read_folder(root, stride=3)


def test_double_spaces_are_fine(cmu_folder):
    root, _ = cmu_folder(frames=2)
    plain = cmu.read_folder(root)[0]
    cmu_folder(frames=2, edit=lambda lines: [
        line.replace(' ', '  ') + ' ' if line.startswith('head') else line for line in lines])
    np.testing.assert_array_equal(cmu.read_folder(root)[0].positions, plain.positions)


def drop(word, times):
    """Leave out the given occurrences of lines that begin with a word."""

    def edit(lines):
        hits = [i for i, line in enumerate(lines) if line.split()[0] == word]
        gone = {hits[t] for t in times}
        return [line for i, line in enumerate(lines) if i not in gone]

    return edit


def change(word, time, new):
    def edit(lines):
        hits = [i for i, line in enumerate(lines) if line.split()[0] == word]
        lines[hits[time]] = new
        return lines

    return edit


@pytest.mark.parametrize('edit, message', [
    (drop('ltibia', [2]), 'frame 2: no values for joint ltibia'),
    (drop('ltibia', [0, 1, 2, 3]), 'frame 0: no values for joint ltibia'),
    (drop('lthumb', [3]), 'frame 3: no values for joint lthumb'),
    (change('head', 1, 'head 1.0 2.0'), 'frame 1: joint head has 2 values, 07.asf wants 3'),
    (change('head', 1, 'head 1.0 2.0 3.0 4.0'), 'frame 1: joint head has 4 values'),
    (change('head', 2, 'head 1.0 2.0 nan'), 'frame 2: '),
    (change('head', 2, 'head 1.0 2.0 x'), 'frame 2: .*not a number'),
    (change('head', 2, 'tail 1.0 2.0 3.0'), "frame 2: unexpected line 'tail"),
    (change('head', 1, 'root 1 2 3 4 5 6'), 'frame 1: joint root comes twice'),
    (lambda lines: lines[:-7], 'frame 3: no values for joint'),
    (lambda lines: lines[:3], 'no frames'),
])
def test_broken_takes_name_their_place(cmu_folder, edit, message):
    root, _ = cmu_folder(edit=edit)
    with pytest.raises(DatasetError, match=r'07_03\.amc: sequence 07_03: ' + message):
        cmu.read_folder(root)


def test_broken_skeletons(cmu_folder):
    root, _ = cmu_folder()
    asf = root / '07' / '07.asf'
    text = asf.read_text()
    for broken, message in [
            (text[:len(text) // 2], 'not a complete ASF skeleton'),
            (text.replace('angle deg', 'angle rad'), 'degrees'),
            (text.replace('length 0.45', 'length 0'), 'a length unit of 0'),
            (re.sub(r'    length [\d.]+', '    length nan', text, count=1), 'length of .* not finite'),
            (text.replace('name head', 'name skull').replace('upperneck head', 'upperneck skull'),
             'lacks head'),
            (text.replace('dof rx ry rz', 'dof rx ry l'), "channels"),
            (text.replace('upperneck head', 'upperneck'), 'hierarchy')]:
        asf.write_text(broken)
        with pytest.raises(DatasetError, match=message) as error:
            cmu.read_folder(root)
        assert '07.asf' in str(error.value)
    asf.unlink()
    with pytest.raises(DatasetError, match='07_03.amc: no skeleton 07.asf'):
        cmu.read_folder(root)


def test_missing_and_unreadable(tmp_path, cmu_folder):
    with pytest.raises(DatasetError, match='no such file or folder'):
        cmu.read_folder(tmp_path / 'nowhere')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DatasetError, match=r'holds no \*\.amc file'):
        cmu.read_folder(tmp_path / 'empty')
    root, _ = cmu_folder()
    (root / '07' / '07_03.amc').write_bytes(b'\xff\xfe\x00\x80')
    with pytest.raises(DatasetError, match='07_03.amc: cannot be read'):
        cmu.read_folder(root)


def test_progress_shows_a_bar(cmu_folder, capsys):
    root, _ = cmu_folder()
    cmu.read_folder(root, progress=True)
    assert 'CMU' in capsys.readouterr().err
