"""The built-in people: one body per clip, joints that bend the right way, feet on the ground."""
import numpy as np
import pytest

from mmviewpose.datasets.synthetic import ACTIONS, synthetic_clips, synthetic_poses
from mmviewpose.skeletons import get_skeleton

APE17 = get_skeleton('ape17')
LEFT, RIGHT = ((4, 5, 6), (10, 11, 12)), ((7, 8, 9), (13, 14, 15))
ARMS, LEGS = ((4, 5, 6), (7, 8, 9)), ((10, 11, 12), (13, 14, 15))


@pytest.fixture(scope='module')
def clips():
    return synthetic_clips(48, num_frames=90, seed=4)


@pytest.fixture(scope='module')
def poses():
    return synthetic_poses(4000, seed=1)


def bone_lengths(positions):
    child, parent = np.array(APE17.bones).T
    return np.linalg.norm(positions[..., child, :] - positions[..., parent, :], axis=-1)


def body_axes(positions):
    """Left and forward of the trunk, (..., 3)."""
    left = positions[..., 4, :] - positions[..., 7, :]
    up = positions[..., 16, :] - positions[..., 1, :]
    left, up = (v / np.linalg.norm(v, axis=-1, keepdims=True) for v in (left, up))
    return left, np.cross(left, up)


def test_clip_contract(clips):
    assert len(clips) == 48 and len({clip.name for clip in clips}) == 48
    for clip in clips:
        assert clip.positions.shape == (90, 17, 3) and clip.positions.dtype == np.float32
        assert np.isfinite(clip.positions).all() and clip.valid.all()
        assert (clip.layout, clip.up, clip.fps) == ('ape17', '+y', 30.)
        assert ACTIONS[clip.labels['action']] == clip.labels['action_name']


def test_every_person_performs_every_action(clips):
    shown = {(clip.labels['person'], clip.labels['action']) for clip in clips}
    assert shown == {(p, a) for p in range(4) for a in range(len(ACTIONS))}


def test_bones_are_rigid_and_belong_to_the_person(clips):
    by_person = {}
    for clip in clips:
        lengths = bone_lengths(clip.positions)
        assert np.ptp(lengths, axis=0).max() < .02      # the float32 of positions metres away
        by_person.setdefault(clip.labels['person'], []).append(lengths[0])
    for lengths in by_person.values():
        assert np.ptp(lengths, axis=0).max() < .02
    people = np.stack([lengths[0] for lengths in by_person.values()])
    assert np.ptp(people, axis=0).min() > 1.


def test_bodies_are_symmetric_and_adult(poses):
    lengths = bone_lengths(poses)
    for left, right in APE17.symmetric_bones:
        np.testing.assert_allclose(lengths[:, left], lengths[:, right], atol=.02)
    bone = dict(zip((child for child, _ in APE17.bones), lengths.T))
    for joint, low, high in ((1, 90, 180), (16, 225, 420), (2, 55, 110), (3, 105, 200),
                             (5, 205, 395), (6, 180, 345), (11, 305, 560), (12, 300, 560)):
        assert low < bone[joint].min() and bone[joint].max() < high, joint
        assert bone[joint].std() / bone[joint].mean() > .05


@pytest.mark.parametrize('limb', ARMS + LEGS)
def test_hinges_bend_one_way_and_within_limits(poses, limb):
    top, middle, end = (poses[:, joint].astype(float) for joint in limb)
    upper, lower = middle - top, end - middle
    upper, lower = (v / np.linalg.norm(v, axis=-1, keepdims=True) for v in (upper, lower))
    bend = np.degrees(np.arccos(np.clip((upper * lower).sum(-1), -1, 1)))
    assert bend.min() > -1e-3 and bend.max() < 149
    assert np.percentile(bend, 95) > 60


def test_knees_point_forward_and_shins_back(poses):
    left = (poses[:, 10] - poses[:, 13]).astype(float)
    forward = np.cross(left, [0., 1., 0.])
    forward /= np.linalg.norm(forward, axis=-1, keepdims=True)
    for hip, knee, ankle in LEGS:
        # The bend's axis is the hip axis: thigh x shin points left, whatever the thigh does.
        axis = np.cross(poses[:, knee] - poses[:, hip], poses[:, ankle] - poses[:, knee])
        bent = np.linalg.norm(axis, axis=-1) > .35 * 400 * 400
        assert bent.sum() > 500
        assert ((axis[bent] * left[bent]).sum(-1) > 0).mean() > .99


def test_hanging_forearms_bend_forward():
    positions = np.concatenate([c.positions for c in synthetic_clips(40, 60, 2, actions=['run'])])
    _, forward = body_axes(positions)
    for _, elbow, wrist in ARMS:
        assert ((positions[:, wrist] - positions[:, elbow]) * forward).sum(-1).min() > -40


def test_left_is_left_of_the_way_people_go():
    for clip in synthetic_clips(20, 90, seed=8, actions=['walk', 'run']):
        way = clip.positions[-1, 0] - clip.positions[-10, 0]
        left, _ = body_axes(clip.positions[-10:])
        # Facing along +z the left hand is at +x: left = up x forward.
        assert (left.mean(axis=0) @ np.cross([0., 1., 0.], way)) > 0


def test_feet_touch_and_nothing_sinks(clips, poses):
    for clip in clips:
        assert clip.positions[..., 1].min() > 0
        lowest = clip.positions[:, [11, 12, 14, 15], 1].min(axis=1)
        if clip.labels['action_name'] not in ('run', 'jumping_jack'):
            assert lowest.max() < 260
            assert lowest.min() < 110
    assert poses[..., 1].min() > 0
    assert np.abs(poses[:, 0, [0, 2]]).max() < 1e-3


def test_standing_feet_stay_in_place():
    for clip in synthetic_clips(8, 90, seed=3, actions=['walk']):
        step = np.linalg.norm(np.diff(clip.positions[:, [12, 15]], axis=0), axis=-1)
        # mm in 1/30 s; walking moves on by 25 to 50, and the ankle rises when the foot rolls off.
        assert np.median(step.min(axis=1)) < 18


def test_speeds_are_human():
    speed = {}
    for clip in synthetic_clips(96, 120, seed=6):
        motion = np.linalg.norm(np.diff(clip.positions, axis=0), axis=-1) * clip.fps / 1000.
        assert motion.max() < 16, clip.name
        jerky = np.linalg.norm(np.diff(clip.positions, 2, axis=0), axis=-1).max() * clip.fps ** 2
        assert jerky / 1000. < 300, clip.name
        pelvis = clip.positions[-1, 0] - clip.positions[0, 0]
        speed.setdefault(clip.labels['action_name'], []).append(np.linalg.norm(pelvis) / 1000. / 4)
    assert .5 < np.mean(speed['walk']) < 1.6
    assert 1.8 < np.mean(speed['run']) < 5.
    assert max(speed['bow'] + speed['wave'] + speed['punch']) < .3


def test_walk_swings_arm_against_leg():
    for clip in synthetic_clips(8, 120, seed=5, actions=['walk']):
        _, forward = body_axes(clip.positions)

        def ahead(a, b):
            return ((clip.positions[:, a] - clip.positions[:, b]) * forward).sum(-1)
        assert np.corrcoef(ahead(6, 9), ahead(12, 15))[0, 1] < -.5


def test_poses_are_diverse(poses):
    centred = poses - poses[:, :1]
    spread = centred.std(axis=0).mean(axis=-1)
    assert spread[6] > 200 and spread[9] > 200 and spread[12] > 150
    # No direction left out: headings cover the circle evenly.
    left = poses[:, 10] - poses[:, 13]
    counts, _ = np.histogram(np.arctan2(left[:, 2], left[:, 0]), 8, (-np.pi, np.pi))
    assert counts.min() > 350


def test_same_seed_same_people():
    np.testing.assert_array_equal(synthetic_poses(50, seed=3), synthetic_poses(50, seed=3))
    assert np.abs(synthetic_poses(50, seed=3) - synthetic_poses(50, seed=4)).max() > 100
    one, two = synthetic_clips(13, 20, seed=1), synthetic_clips(13, 20, seed=1)
    for a, b in zip(one, two):
        np.testing.assert_array_equal(a.positions, b.positions)
        assert a.labels == b.labels


def test_figures_are_frozen():
    """The same people on every numpy: a change here changes everybody's synthetic data."""
    poses = synthetic_poses(3, seed=0)
    clip = synthetic_clips(1, 10, seed=0)[0]
    np.testing.assert_allclose(poses[:, 6], FROZEN_WRISTS, atol=.05)
    np.testing.assert_allclose(clip.positions[9, 12], FROZEN_ANKLE, atol=.05)


FROZEN_WRISTS = [[457.0, 1206.83, 295.84], [88.99, 1416.74, 704.8], [-274.44, 705.49, 296.61]]
FROZEN_ANKLE = [-1076.13, 77.38, 315.35]


def test_subset_of_actions_and_single_frames():
    clips = synthetic_clips(4, num_frames=1, actions=['bow', 'kick'], num_people=1)
    assert [c.labels['action_name'] for c in clips] == ['bow', 'kick', 'bow', 'kick']
    assert {c.labels['person'] for c in clips} == {0} and clips[0].positions.shape == (1, 17, 3)
    assert synthetic_poses(0).shape == (0, 17, 3)


@pytest.mark.parametrize('wrong', [dict(actions=['fly']), dict(actions=[]), dict(layout='h36m17'),
                                   dict(num_frames=0), dict(fps=0.)])
def test_wrong_requests(wrong):
    with pytest.raises(ValueError):
        synthetic_clips(2, **wrong)
