import numpy as np
import pytest
import torch

from mmviewpose.rendering.body import CAPSULES, NUM_CAPSULES, build, named_joints
from mmviewpose.skeletons import LAYOUTS, get_skeleton, remap

INDEX = {capsule.name: i for i, capsule in enumerate(CAPSULES)}
X, Y, Z = torch.eye(3, dtype=torch.float64)


def standing():
    """A person who faces +z with the arms to the sides: joints of ape17, ``(1, 17, 3)`` mm."""
    places = dict(pelvis=(0, 930, 0), spine_mid=(0, 1165, 0), spine_shoulder=(0, 1400, 0),
                  neck=(0, 1480, 0), head=(0, 1640, 0))
    for side, sign in (('left', 1), ('right', -1)):
        for name, x, y in (('hip', 110, 930), ('knee', 110, 500), ('ankle', 110, 90),
                           ('shoulder', 180, 1400), ('elbow', 470, 1400), ('wrist', 720, 1400)):
            places[f'{side}_{name}'] = (sign * x, y, 0)
    return torch.tensor([[places[j] for j in get_skeleton('ape17').joints]], dtype=torch.float64)


def body_of(poses):
    return build(named_joints(poses, 'ape17'), torch.ones(len(poses), NUM_CAPSULES).double())


def close(a, b, **tolerance):
    torch.testing.assert_close(a, b.expand_as(a), **tolerance)


def test_frames_of_a_standing_person():
    body = body_of(standing())
    for name, split, across in (
            ('pelvis', Z, X), ('belly', Z, X), ('left_flank', Z, X), ('shoulders', Z, X),
            ('neck', X, Z), ('head', X, Z), ('left_upper_arm', Y, Z), ('right_upper_arm', Y, Z),
            ('left_hand', Y, Z), ('right_forearm', Y, Z), ('left_thigh', Z, X),
            ('right_shank', Z, X)):
        close(body.split[0, INDEX[name]], split)
        close(body.across[0, INDEX[name]], across)
    assert len(CAPSULES) == 19


def test_hanging_arms_turn_their_outer_half_outwards():
    pose, joints = standing(), get_skeleton('ape17').joints
    for side, sign in (('left', 1), ('right', -1)):
        for joint, y in (('elbow', 1110), ('wrist', 860)):
            pose[0, joints.index(f'{side}_{joint}')] = torch.tensor([sign * 180., y, 0.])
    body = body_of(pose)
    for part in ('upper_arm', 'forearm', 'hand'):
        close(body.split[0, INDEX[f'left_{part}']], X)
        close(body.split[0, INDEX[f'right_{part}']], -X)
        close(body.across[0, INDEX[f'right_{part}']], Z)


def test_hands_and_feet_go_on_from_the_limbs():
    body = body_of(standing())
    hand, foot = INDEX['left_hand'], INDEX['right_foot']
    close(body.start[0, hand], torch.tensor([750., 1400., 0.]).double())
    close(body.end[0, hand], torch.tensor([850., 1400., 0.]).double())
    forward = body.end[0, foot] - body.start[0, foot]
    assert forward[2] > 100 and abs(forward[0]) < 1e-6 and -30 < forward[1] < 0
    sole = body.start[0, foot, 1] - body.radii[0, foot, 0]
    assert abs(sole) < 30


def test_v_runs_on_through_the_trunk():
    body = body_of(standing())

    def v(name, point):
        i = INDEX[name]
        return (body.along[0, i] @ (point - body.origin[0, i]) + body.offset[0, i]).item()

    middle, top = (torch.tensor([0., y, 0.]).double() for y in (1165, 1400))
    assert v('belly', middle) == pytest.approx(v('left_flank', middle))
    assert v('left_flank', top) == pytest.approx(v('shoulders', top))
    assert v('pelvis', torch.tensor([0., 830., 0.]).double()) == pytest.approx(0)
    assert v('shoulders', top + 62 * Y) == pytest.approx(1)
    chin = body.end[0, INDEX['neck']]
    assert v('neck', chin) == pytest.approx(v('head', chin))
    i = INDEX['left_thigh']
    assert v('left_thigh', body.start[0, i] + body.radii[0, i, 0] * Y) == pytest.approx(0)
    assert v('left_thigh', body.end[0, i] - body.radii[0, i, 1] * Y) == pytest.approx(1)


def test_frames_are_square_in_every_pose():
    """Also where joints coincide, or hips and shoulders say nothing of the sides."""
    generator = torch.Generator().manual_seed(0)
    poses = 500 * torch.randn(200, 17, 3, generator=generator).double()
    poses[0] = 0
    poses[1:40] = poses[1:40] * (torch.rand(39, 17, 1, generator=generator) < 0.5)
    joints = get_skeleton('ape17').joints
    hips = [joints.index('left_hip'), joints.index('right_hip')]
    poses[40:50, hips] = poses[40:50, hips[:1]]
    body = body_of(poses)
    assert all(field.isfinite().all() for field in body)
    close(body.split.square().sum(-1), torch.ones(()).double())
    close(body.across.square().sum(-1), torch.ones(()).double())
    assert (body.split * body.across).sum(-1).abs().max() < 1e-9


@pytest.mark.parametrize('layout', sorted(LAYOUTS))
def test_joints_are_those_of_remap(layout):
    skeleton = get_skeleton(layout)
    poses = np.random.default_rng(0).normal(size=(4, skeleton.num_joints, 3)) * 500
    found = named_joints(torch.as_tensor(poses), layout)
    expected = remap(poses, layout, 'ape17')
    for i, joint in enumerate(get_skeleton('ape17').joints):
        np.testing.assert_allclose(found[joint].numpy(), expected[:, i], atol=1e-9)


def test_unknown_joints_matter_only_where_they_are_used():
    skeleton = get_skeleton('cmu31')
    poses = torch.randn(3, 31, 3)
    poses[:, skeleton.index('left_thumb')] = torch.nan
    assert all(joint.isfinite().all() for joint in named_joints(poses, 'cmu31').values())
    poses[2, skeleton.index('left_knee'), 1] = torch.inf
    with pytest.raises(ValueError, match='pose 2 .*not finite'):
        named_joints(poses, 'cmu31')
