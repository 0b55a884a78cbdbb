import pytest

from mmviewpose.skeletons import Skeleton
from mmviewpose.skeletons.skeleton import part_of


def arm_pair(**changes):
    args = dict(name='toy', joints=('pelvis', 'left_elbow', 'right_elbow', 'left_wrist'),
                parents=(-1, 0, 0, 1), flip_pairs=((1, 2),))
    return Skeleton(**{**args, **changes})


def test_properties():
    s = Skeleton.from_names(
        'toy', ['pelvis', 'right_hip', 'left_hip', 'left_knee', 'right_knee', 'head'],
        [('head', 'pelvis'), ('left_hip', 'pelvis'), ('right_hip', 'pelvis'),
         ('left_knee', 'left_hip'), ('right_knee', 'right_hip')])
    assert (s.num_joints, s.root) == (6, 0)
    assert s.parents == (-1, 0, 0, 2, 1, 0)
    assert s.bones == ((1, 0), (2, 0), (3, 2), (4, 1), (5, 0))
    assert s.children(0) == (1, 2, 5) and s.children(5) == ()
    assert s.flip_pairs == ((2, 1), (3, 4))
    assert s.flip_index == (0, 2, 1, 4, 3, 5)
    # Indices into bones: left hip is bone 1, right hip bone 0, left knee 2, right knee 3.
    assert s.symmetric_bones == ((1, 0), (2, 3))
    assert s.parts['left_leg'] == (2, 3) and s.parts['torso'] == (0, 5)
    assert s.index('head') == 5
    with pytest.raises(ValueError, match="toy has no joint 'tail'"):
        s.index('tail')


@pytest.mark.parametrize('changes, message', [
    (dict(parents=(0, 0, 0, 1)), 'exactly one parent'),
    (dict(parents=(-1, -1, 0, 1)), 'exactly one parent'),
    (dict(parents=(-1, 0, 0, 7)), 'exactly one parent'),
    (dict(parents=(-1, 3, 0, 1), flip_pairs=()), 'does not reach the root'),
    (dict(parents=(-1, 0, 0)), '4 joints but 3 parents'),
    (dict(joints=('a', 'a', 'b', 'c')), 'unique'),
    (dict(joints=(), parents=()), 'at least one'),
    (dict(flip_pairs=((1, 2), (2, 3))), 'repeat a joint'),
    (dict(flip_pairs=((1, 9),)), 'leave the skeleton'),
    (dict(flip_pairs=((2, 3),)), 'not symmetric'),
    (dict(parts={'all': (0, 1, 2)}), 'every joint exactly once'),
])
def test_invalid_skeletons_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        arm_pair(**{'flip_pairs': (), **changes})


def test_unknown_bone_is_refused():
    with pytest.raises(ValueError, match='unknown joint'):
        Skeleton.from_names('toy', ['pelvis', 'head'], [('head', 'neck')])


def test_parts_come_from_names():
    assert part_of('left_wrist') == 'left_arm'
    assert part_of('right_big_toe') == 'right_leg'
    assert part_of('left_eye') == part_of('pelvis') == 'torso'
