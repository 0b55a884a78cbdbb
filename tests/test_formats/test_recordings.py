"""The readers on real recordings, where the environment variable MMVIEWPOSE_DATA names a folder
that holds ``subjects``, ``all_sqe`` and ``Bandai-Namco-Research-Motiondataset-1``."""
import numpy as np

from mmviewpose.datasets.formats import bvh, cmu, nucla, to_layout
from mmviewpose.skeletons import get_skeleton

APE = get_skeleton('ape17')


def bone_lengths(clips):
    """Median length in mm of the bone to each joint of ape17."""
    positions = np.concatenate([to_layout(c, 'ape17').positions[c.valid] for c in clips])
    return {APE.joints[c]: float(np.median(np.linalg.norm(positions[:, c] - positions[:, p],
                                                          axis=-1))) for c, p in APE.bones}


def left_is_left(clip, toe):
    """Share of frames in which the left hip lies where up x forward points."""
    s = get_skeleton(clip.layout)
    p = {name: clip.positions[:, i] for i, name in enumerate(s.joints)}
    forward = (p[f'left_{toe}'] - p['left_ankle']) + (p[f'right_{toe}'] - p['right_ankle'])
    left = np.cross([0., 1., 0.], forward)
    return ((p['left_hip'] - p['right_hip']) * left).sum(axis=-1) > 0


def check_proportions(lengths):
    spine = [lengths[j] for j in ('spine_mid', 'spine_shoulder', 'neck', 'head')]
    assert all(length > 40 for length in spine)
    assert 380 < spine[0] + spine[1] < 480
    assert .4 < lengths['neck'] / lengths['head'] < .6
    for joint in ('elbow', 'wrist', 'knee', 'ankle'):
        left, right = lengths[f'left_{joint}'], lengths[f'right_{joint}']
        assert 200 < left < 500 and abs(left - right) < .06 * left


def test_cmu(recordings):
    clips = cmu.read_folder(recordings('subjects'), stride=8)
    check_proportions(bone_lengths(clips))
    walk = next(c for c in clips if c.name == '02_01')
    i = get_skeleton('cmu31').index
    assert 1550 < np.median(walk.positions[:, i('head'), 1]) < 1700
    assert abs(walk.positions[:, [i('left_toe'), i('right_toe')], 1].min()) < 40
    assert left_is_left(walk, 'toe').all()


def test_bandai_namco(recordings):
    clips = bvh.read_folder(recordings('Bandai-Namco-Research-Motiondataset-1'))
    assert len(clips) == 174 and len({c.labels['style'] for c in clips}) == 15
    check_proportions(bone_lengths(clips))
    walk = next(c for c in clips if c.labels['action'] == 'walk')
    assert left_is_left(walk, 'foot').mean() > .9
    assert {c.fps for c in clips} == {30.}


def test_nucla(recordings):
    clips = nucla.read_folder(recordings('all_sqe'))
    train, test = nucla.cross_view(clips, 'train'), nucla.cross_view(clips, 'test')
    assert (len(train), len(test)) == (1020, 464)
    copies = nucla.copies_of(test, train)
    assert copies.sum() == 95
    actions = [c.labels['action'] for c, copy in zip(test, copies) if copy]
    assert (actions.count(2), actions.count(3)) == (50, 45)
    masked = {c.name: np.flatnonzero(~c.valid).tolist() for c in clips if c.num_masked}
    assert masked == {'a04_s01_e01_v01': [34], 'a04_s04_e02_v01': [45]}
    check_proportions(bone_lengths(clips))
