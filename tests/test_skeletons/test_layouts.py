import pytest

from mmviewpose.skeletons import LAYOUTS, get_skeleton

COUNTS = dict(ape17=17, h36m17=17, h36m16=16, nucla20=20, ntu25=25, coco17=17, openpose25=25,
              mediapipe33=33, cmu31=31, bandai22=22, mpi_inf_3dhp17=17)


def test_catalogue():
    assert {name: s.num_joints for name, s in LAYOUTS.items()} == COUNTS
    assert all(get_skeleton(name).name == name for name in LAYOUTS)
    with pytest.raises(KeyError, match="no skeleton layout 'ape18'.*ape17"):
        get_skeleton('ape18')


@pytest.mark.parametrize('name', sorted(COUNTS))
def test_every_layout_is_symmetric(name):
    s = get_skeleton(name)
    sided = [j for j in s.joints if j.startswith(('left_', 'right_'))]
    assert len(s.flip_pairs) * 2 == len(sided)
    for left, right in s.flip_pairs:
        assert s.joints[left].replace('left_', 'right_') == s.joints[right]
    flip = s.flip_index
    assert [flip[i] for i in flip] == list(range(s.num_joints))
    assert s.parts['left_arm'] and len(s.parts['left_arm']) == len(s.parts['right_arm'])
    assert s.parts['left_leg'] and len(s.parts['left_leg']) == len(s.parts['right_leg'])
    assert len(s.symmetric_bones) == len(s.flip_pairs)


def test_ape17_is_the_papers_tree():
    s = get_skeleton('ape17')
    assert s.root == 0
    assert s.children(0) == (1, 10, 13)
    assert s.children(1) == (16,)
    assert s.children(16) == (2, 4, 7)
    chains = [(2, 3), (4, 5, 6), (7, 8, 9), (10, 11, 12), (13, 14, 15)]
    assert all(s.parents[b] == a for chain in chains for a, b in zip(chain, chain[1:]))
    assert [s.joints[i] for i in (0, 1, 2, 3, 16)] == [
        'pelvis', 'spine_mid', 'neck', 'head', 'spine_shoulder']
    assert s.joints[4:7] == ('left_shoulder', 'left_elbow', 'left_wrist')
    assert s.joints[13:16] == ('right_hip', 'right_knee', 'right_ankle')


@pytest.mark.parametrize('name, joints', [
    ('h36m17', {1: 'right_hip', 4: 'left_hip', 7: 'spine_mid', 8: 'spine_shoulder', 9: 'nose',
                10: 'head_top', 11: 'left_shoulder', 16: 'right_wrist'}),
    ('nucla20', {0: 'pelvis', 2: 'spine_shoulder', 4: 'left_shoulder', 8: 'right_shoulder',
                 12: 'left_hip', 19: 'right_foot'}),
    ('ntu25', {3: 'head', 7: 'left_hand', 11: 'right_hand', 12: 'left_hip', 19: 'right_foot',
               20: 'spine_shoulder', 21: 'left_hand_tip', 22: 'left_thumb', 24: 'right_thumb'}),
    ('coco17', {0: 'nose', 1: 'left_eye', 4: 'right_ear', 5: 'left_shoulder', 10: 'right_wrist',
                16: 'right_ankle'}),
    ('openpose25', {1: 'spine_shoulder', 2: 'right_shoulder', 8: 'pelvis', 15: 'right_eye',
                    18: 'left_ear', 19: 'left_big_toe', 24: 'right_heel'}),
    ('mediapipe33', {3: 'left_eye_outer', 6: 'right_eye_outer', 7: 'left_ear', 10: 'right_mouth',
                     16: 'right_wrist', 22: 'right_thumb', 29: 'left_heel', 32: 'right_toe'}),
    ('mpi_inf_3dhp17', {0: 'head_top', 2: 'right_shoulder', 8: 'right_hip', 13: 'left_ankle',
                        14: 'pelvis', 16: 'head_base'}),
])
def test_published_orders(name, joints):
    s = get_skeleton(name)
    assert {i: s.joints[i] for i in joints} == joints


def test_h36m16_is_h36m17_without_its_pelvis():
    assert get_skeleton('h36m16').joints == get_skeleton('h36m17').joints[1:]
    s = get_skeleton('h36m16')
    assert sorted(s.parts['left_leg'] + s.parts['right_leg']) == list(range(6))
