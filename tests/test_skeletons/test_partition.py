import pytest

from mmviewpose.skeletons import LAYOUTS, PARTITIONS, get_skeleton, partition

APE = get_skeleton('ape17')
LEGS = ('left_leg', 'right_leg')
UPPER = ('torso', 'left_arm', 'right_arm')


@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize('name', PARTITIONS)
def test_every_layout_is_covered_once(layout, name):
    skeleton = get_skeleton(layout)
    for leave_out in ([], [skeleton.root]):
        found = partition(skeleton, name, leave_out)
        assert list(found) == list(PARTITIONS[name])
        given = [joint for joints in found.values() for joint in joints]
        assert sorted(given) == sorted(set(range(skeleton.num_joints)) - set(leave_out))
        assert all(list(joints) == sorted(joints) for joints in found.values())


def test_the_papers_groups():
    found = partition(get_skeleton('h36m16'), 'leg-torso')  # method: legs 0-5, torso 6-15
    assert found == dict(legs=tuple(range(6)), torso=tuple(range(6, 16)))
    assert {name: len(joints) for name, joints in partition(APE, 'limbs', [0]).items()} == dict(
        torso=4, left_arm=3, right_arm=3, left_leg=3, right_leg=3)


def test_own_groups_by_part_name_and_number():
    arm = APE.parts['left_arm']
    expected = dict(left=arm, rest=tuple(sorted(set(range(1, 17)) - set(arm))))
    rest = ['torso', 'right_arm', *LEGS]
    names = [APE.joints[joint] for joint in arm]
    for left in (['left_arm'], names, arm, [names[0], *arm[1:]]):
        assert partition(APE, dict(left=left, rest=rest), leave_out=[0]) == expected


def test_one_joint_is_a_part():
    groups = {joint: [joint] for joint in APE.joints[1:]}
    assert partition(APE, groups, [0]) == {joint: (APE.index(joint), ) for joint in groups}


@pytest.mark.parametrize('groups, leave_out, message', [
    (dict(legs=LEGS), [0], 'ape17 misses spine_mid, neck'),
    (dict(a=LEGS, b=UPPER, c=['left_knee']), [0], 'repeats left_knee'),
    (dict(a=LEGS, b=UPPER, c=['pelvis']), [], 'repeats pelvis'),
    (dict(a=LEGS, b=[*UPPER, 0]), [0], 'must not hold pelvis'),
    (dict(a=LEGS, b=UPPER, c=[]), [0], 'no joints in c'),
    ({}, [0], 'no joints in it'),
    (dict(a=[*LEGS, 17], b=UPPER), [0], 'there is no joint 17'),
    (dict(a=[*LEGS, -1], b=UPPER), [0], 'there is no joint -1'),
    (dict(a=[*LEGS, 'tail'], b=UPPER), [0], "no joint 'tail'"),
    (dict(a='left_leg', b=UPPER), [0], "must be a list, got 'left_leg'"),
    ('halves', [0], "no partition 'halves'; there are full, leg-torso, limbs"),
])
def test_what_is_no_partition(groups, leave_out, message):
    with pytest.raises(ValueError, match=message):
        partition(APE, groups, leave_out)
