import pytest
import torch

from mmviewpose.datasets.synthetic import synthetic_poses
from mmviewpose.functional.depth_sign import bend_evidence, hinges
from mmviewpose.geometry.rotation import random_rotations, rotate
from mmviewpose.skeletons import Skeleton, get_skeleton

APE = get_skeleton('ape17')
# a person who faces +z, y up: the left side is at +x
STANDING = dict(
    pelvis=(0, 1, 0), left_hip=(.1, 1, 0), right_hip=(-.1, 1, 0), left_knee=(.1, .5, 0),
    right_knee=(-.1, .5, 0), left_ankle=(.1, 0, 0), right_ankle=(-.1, 0, 0),
    left_shoulder=(.2, 1.5, 0), right_shoulder=(-.2, 1.5, 0), left_elbow=(.2, 1.2, 0),
    right_elbow=(-.2, 1.2, 0), left_wrist=(.2, .9, 0), right_wrist=(-.2, .9, 0))


def person(skeleton=APE, **moved):
    places = {**STANDING, **moved}
    return torch.tensor([places.get(joint, (0, 1.3, 0)) for joint in skeleton.joints],
                        dtype=torch.float64)


def evidence(poses, skeleton=APE):
    return bend_evidence(poses, hinges(skeleton))


def named(skeleton=APE):
    return [skeleton.joints[hinge.middle] for hinge in hinges(skeleton)]


@pytest.mark.parametrize('layout', ['ape17', 'h36m17', 'h36m16', 'coco17', 'mpi_inf_3dhp17'])
def test_four_hinges(layout):
    skeleton = get_skeleton(layout)
    assert named(skeleton) == ['left_knee', 'right_knee', 'left_elbow', 'right_elbow']
    for hinge, sense in zip(hinges(skeleton), (1, 1, -1, -1)):
        assert skeleton.joints[hinge.left].startswith('left_') and hinge.sense == sense
        assert skeleton.joints[hinge.right].startswith('right_')


BENT = {  # what moves, in front of (+z) or behind its limb
    'left_knee forward': dict(left_knee=(.1, .5, .3)),
    'right_knee forward': dict(right_knee=(-.1, .5, .3)),
    'left_elbow backward': dict(left_elbow=(.2, 1.2, -.3)),
    'right_elbow backward': dict(right_elbow=(-.2, 1.2, -.3)),
    # forearms forward and up: the elbow is below the line from shoulder to wrist
    'left_elbow forearm forward': dict(left_wrist=(.2, 1.2, .3)),
    # arms raised above the head, hands then behind it
    'right_elbow raised': dict(right_elbow=(-.2, 1.8, .05), right_wrist=(-.2, 1.9, -.2)),
    'left_knee heel to the back': dict(left_ankle=(.1, .6, -.4)),
    'right_knee raised': dict(right_knee=(-.1, 1.1, .4), right_ankle=(-.1, .7, .4)),
}


@pytest.mark.parametrize('name', BENT)
def test_the_human_way_counts_for_a_human(name):
    found = dict(zip(named(), evidence(person(**BENT[name]))))
    joint = name.split()[0]
    assert found.pop(joint) > 0.02
    assert not any(found.values()), 'the other limbs are straight'
    mirrored = evidence(person(**BENT[name]) * torch.tensor([1., 1., -1.]))
    torch.testing.assert_close(mirrored, -evidence(person(**BENT[name])))


@pytest.mark.parametrize('moved', [dict(left_knee=(.1, .5, -.3)), dict(left_elbow=(.2, 1.2, .3))])
def test_the_other_way_counts_against(moved):
    found = dict(zip(named(), evidence(person(**moved))))
    assert found[next(iter(moved))] < -0.02


def test_how_far_a_knee_lies_in_front():
    pose = person(left_knee=(.1, .5, .3), right_knee=(-.1, .4, .2))
    torch.testing.assert_close(evidence(pose)[:2], torch.tensor([.3, .2]).double())
    torch.testing.assert_close(evidence(7 * pose)[:2], torch.tensor([2.1, 1.4]).double())


def test_turned_moved_and_mirrored():
    torch.manual_seed(0)
    poses = torch.randn(20, 17, 3, dtype=torch.float64)
    found = evidence(poses)
    turned = rotate(poses, random_rotations(20).double()) + torch.randn(20, 1, 3)
    torch.testing.assert_close(evidence(turned), found, atol=1e-6, rtol=1e-6)
    for axis in range(3):
        flip = torch.ones(3, dtype=torch.float64)
        flip[axis] = -1
        torch.testing.assert_close(evidence(poses * flip), -found)
    assert evidence(poses.view(4, 5, 17, 3)).equal(found.view(4, 5, 4))


def test_synthetic_people_bend_the_human_way():
    found = evidence(torch.from_numpy(synthetic_poses(2000, 0)).double())
    average, spread = found.mean(0), found.std(0) / len(found) ** 0.5
    assert (average > 10 * spread).all() and (average > 10).all(), average  # mm


def test_straight_limbs_and_limbs_without_length():
    straight = person().requires_grad_()
    nothing = torch.zeros(17, 3, dtype=torch.float64, requires_grad=True)
    folded = person(left_ankle=STANDING['left_hip']).requires_grad_()
    for pose in (straight, nothing, folded):
        found = evidence(pose)
        assert not found.any()
        gradient, = torch.autograd.grad(found.sum(), pose)
        assert gradient.isfinite().all()


def test_gradients():
    poses = torch.randn(2, 17, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.autograd.gradcheck(evidence, (poses.requires_grad_(), ))


def test_a_layout_without_hinges():
    snake = Skeleton.from_names('snake', ['head', 'left_hip', 'left_knee'],
                                [('left_hip', 'head'), ('left_knee', 'left_hip')])
    assert hinges(snake) == ()
    with pytest.raises(ValueError, match='no knee and no elbow'):
        evidence(torch.zeros(3, 3), snake)
