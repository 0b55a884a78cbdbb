import numpy as np
import pytest

from mmviewpose.skeletons import LAYOUTS, Skeleton, get_skeleton, heading


def standing(skeleton, facing=0.):
    """Somebody whose left hip is at +x when they face +z, turned about +y by radians."""
    positions = np.zeros((skeleton.num_joints, 3))
    for side, sign in (('left', 1), ('right', -1)):
        positions[skeleton.index(f'{side}_hip')] = 110 * sign, 900, 0
    cos, sin = np.cos(facing), np.sin(facing)
    turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    return positions @ turn.T


@pytest.mark.parametrize('layout', LAYOUTS)
def test_the_four_quarters(layout):
    skeleton = get_skeleton(layout)
    for quarter, ahead in ((0, '+z'), (1, '+x'), (-1, '-x')):
        positions = standing(skeleton, quarter * np.pi / 2) + [500, 0, -300]
        assert heading(positions, skeleton) == pytest.approx(quarter * np.pi / 2), ahead
    assert abs(heading(standing(skeleton, np.pi), skeleton)) == pytest.approx(np.pi)


def test_any_shape_height_and_size():
    skeleton = get_skeleton('ape17')
    angles = np.random.default_rng(0).uniform(-3.1, 3.1, (4, 3))
    positions = np.stack([[standing(skeleton, a) for a in row] for row in angles])
    assert heading(positions, skeleton).shape == (4, 3)
    np.testing.assert_allclose(heading(positions, skeleton), angles)
    np.testing.assert_allclose(heading(positions / 1000 + [0, 7, 0], skeleton), angles)
    leaning = positions.copy()
    leaning[..., skeleton.index('left_hip'), 1] += 80  # a hip lifted
    np.testing.assert_allclose(heading(leaning, skeleton), angles)


def test_a_layout_without_hips():
    hands = Skeleton('hands', ('left_wrist', 'right_wrist'), (-1, 0))
    with pytest.raises(ValueError, match="hands has no joint 'left_hip'"):
        heading(np.zeros((2, 3)), hands)
