import json
import math

import numpy as np
import pytest

from mmviewpose.datasets.formats import bvh
from mmviewpose.errors import DatasetError
from mmviewpose.skeletons import get_skeleton

# name, parent, offset, channels: mixed orders, positions in the middle, a joint that cannot move.
TOY = [
    ('Root', None, (1., 2., 3.), 'Zposition Xposition Yposition Zrotation Xrotation Yrotation'),
    ('Spine', 'Root', (0., 10., 0.), 'Yrotation Zrotation Xrotation'),
    ('Head', 'Spine', (1., 5., -1.), 'Xrotation Xposition Yposition Zposition Yrotation Zrotation'),
    ('Arm', 'Spine', (4., 0., 2.), 'Xrotation'),
    ('Hand', 'Arm', (6., 1., 0.), ''),
]
ENDS = {'Head': (0., 3., 0.), 'Hand': (2., 0., 1.)}


def toy_text(values, joints=TOY, ends=ENDS, frame_time='0.0333333'):
    lines = ['HIERARCHY']

    def write(name, indent):
        parent, offset, channels = {j[0]: j[1:] for j in joints}[name]
        pad = '  ' * indent
        lines.extend([f'{pad}{"ROOT" if parent is None else "JOINT"} {name}', pad + '{',
                      f'{pad}  OFFSET ' + ' '.join(map(str, offset))])
        if channels:
            lines.append(f'{pad}  CHANNELS {len(channels.split())} {channels}')
        for child in (j[0] for j in joints if j[1] == name):
            write(child, indent + 1)
        if name in ends:
            lines.extend([f'{pad}  End Site', pad + '  {', f'{pad}    OFFSET '
                          + ' '.join(map(str, ends[name])), pad + '  }'])
        lines.append(pad + '}')

    write(joints[0][0], 0)
    lines += ['MOTION', f'Frames:\t{len(values)}', f'Frame Time:\t{frame_time}']
    lines += [' '.join(repr(float(v)) for v in row) for row in values]
    return '\n'.join(lines) + '\n'


def turn(axis, degrees):
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array({'X': [[1, 0, 0], [0, c, -s], [0, s, c]],
                     'Y': [[c, 0, s], [0, 1, 0], [-s, 0, c]],
                     'Z': [[c, -s, 0], [s, c, 0], [0, 0, 1]]}[axis])


def slow_positions(row, joints=TOY, ends=ENDS):
    """Positions of one frame by 4 x 4 matrices, a joint at a time."""
    world, place, at = {}, {}, 0
    for name, parent, offset, channels in joints:
        shift, rotation = np.array(offset), np.eye(3)
        for channel in channels.split():
            if channel.endswith('position'):
                shift['XYZ'.index(channel[0])] = row[at]
            else:
                rotation = rotation @ turn(channel[0], row[at])
            at += 1
        own = np.eye(4)
        own[:3, :3], own[:3, 3] = rotation, shift
        world[name] = own if parent is None else world[parent] @ own
        place[name] = world[name][:3, 3]
        if name in ends:
            place[name + '_end'] = (world[name] @ np.array([*ends[name], 1.]))[:3]
    return place


@pytest.fixture
def values():
    rng = np.random.default_rng(0)
    return rng.uniform(-170, 170, (4, sum(len(j[3].split()) for j in TOY)))


def test_forward_kinematics_matches_a_slow_reference(tmp_path, values):
    path = tmp_path / 'toy.bvh'
    path.write_text(toy_text(values))
    motion = bvh.read_bvh(path)
    assert motion.joints == ('Root', 'Spine', 'Head', 'Head_end', 'Arm', 'Hand', 'Hand_end')
    assert motion.parents == (-1, 0, 1, 2, 1, 4, 5)
    positions = bvh.joint_positions(motion)
    for frame, row in enumerate(values):
        expected = slow_positions(row)
        np.testing.assert_allclose(positions[frame], [expected[j] for j in motion.joints],
                                   atol=1e-9)


def bandai_joints():
    """Bandai-Namco's joints, each with six channels."""
    skeleton, names = get_skeleton('bandai22'), bvh.JOINTS['bandai22']
    channels = 'Xposition Yposition Zposition Zrotation Xrotation Yrotation'
    return [(name, names[parent] if parent >= 0 else None, (0., 0., 0.), channels)
            for name, parent in zip(names, skeleton.parents)]


@pytest.fixture
def bandai_folder(tmp_path):
    rng = np.random.default_rng(1)
    joints = bandai_joints()
    rows = rng.uniform(-80, 80, (3, 6 * len(joints)))
    folder = tmp_path / 'data'
    folder.mkdir()
    path = folder / 'dataset-1_walk-left_not-confident_002.bvh'
    # Depth first, as the file has it.
    path.write_text(toy_text(rows, joints, {}))
    path.with_suffix('.json').write_text(json.dumps(dict(content=6, style=11)))
    return folder, rows, joints


def test_bandai_namco(bandai_folder):
    folder, rows, joints = bandai_folder
    clip, = bvh.read_folder(folder)
    order = [j[0] for j in joints]
    expected = np.stack([[slow_positions(row, joints, {})[j] for j in order] for row in rows]) * 10
    np.testing.assert_allclose(clip.positions, expected, rtol=1e-5, atol=1e-2)
    assert (clip.layout, clip.up, clip.fps) == ('bandai22', '+y', 30.)
    assert clip.labels == dict(action='walk-left', style='not-confident', take=2, content=6,
                               style_id=11)


def test_other_skeletons_need_their_joints_named(tmp_path, values):
    path = tmp_path / 'toy.bvh'
    path.write_text(toy_text(values))
    with pytest.raises(DatasetError, match='toy.bvh: no joint joint_Root, Hips'):
        bvh.read_take(path)


@pytest.mark.parametrize('edit, message', [
    (lambda t: t.replace('\n', ' 7.5\n').replace(' 7.5\n', '\n', t.count('\n') - 1),
     'toy: frame 3: 17 values, the hierarchy has 16 channels'),
    (lambda t: t.rstrip('\n').rsplit(' ', 1)[0], 'toy: frame 3: 15 values'),
    (lambda t: t.rstrip('\n').rsplit('\n', 1)[0], '4 frames announced, 3 found'),
    (lambda t: t.rstrip('\n').rsplit(' ', 1)[0] + ' nan', 'frame 3: a value is not finite'),
    (lambda t: t.rstrip('\n').rsplit(' ', 1)[0] + ' oops', 'not a number'),
    (lambda t: t.split('MOTION')[0], 'no MOTION section'),
    (lambda t: t.split('Frames')[0], 'Frames and Frame Time'),
    (lambda t: t.split('Frames')[0] + 'Frames: 0\nFrame Time: 0.03\n', 'no frames'),
    (lambda t: t.replace('0.0333333', '0'), 'frame time'),
    (lambda t: t.replace('0.0333333', 'inf'), 'frame time'),
    (lambda t: t.replace('OFFSET 0.0 10.0 0.0', 'OFFSET 0.0 nan 0.0'), 'OFFSET of .* not finite'),
    (lambda t: t.replace('OFFSET 0.0 10.0 0.0', 'OFFSET 0.0 10.0'), 'broken HIERARCHY'),
    (lambda t: t.replace('CHANNELS 1 Xrotation', 'CHANNELS 1 Wrotation'), 'unknown channels'),
    (lambda t: t.replace('}\nMOTION', 'MOTION'), 'braces'),
    (lambda t: t.replace('JOINT Arm\n    {', 'JOINT Arm\n'), 'broken HIERARCHY'),
])
def test_broken_files_name_their_place(tmp_path, values, edit, message):
    path = tmp_path / 'toy.bvh'
    path.write_text(edit(toy_text(values)))
    with pytest.raises(DatasetError, match=message) as error:
        bvh.read_take(path)
    assert 'toy.bvh' in str(error.value)


def test_missing_empty_unreadable(tmp_path, bandai_folder):
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DatasetError, match=r'holds no \*\.bvh file'):
        bvh.read_folder(tmp_path / 'empty')
    with pytest.raises(DatasetError, match='cannot be read'):
        bvh.read_take(tmp_path / 'nowhere.bvh')
    folder, _, _ = bandai_folder
    next(folder.glob('*.json')).write_text('{"content": 6')
    with pytest.raises(DatasetError, match='annotation with content and style'):
        bvh.read_folder(folder)


def test_an_unknown_layout_says_what_to_give(tmp_path, values):
    path = tmp_path / 'toy.bvh'
    path.write_text(toy_text(values))
    with pytest.raises(DatasetError, match='h36m17 is not known, only those of bandai22'):
        bvh.read_take(path, layout='h36m17')
    with pytest.raises(DatasetError, match='2 joints named, layout h36m17 has 17'):
        bvh.read_take(path, layout='h36m17', joints=('Root', 'Head'))
