"""One-sided stiffness in grades: what stays, what shrinks, and by how much."""
from dataclasses import replace

import numpy as np
import pytest

from mmviewpose.datasets.formats.clip import to_layout
from mmviewpose.datasets.synthetic import synthetic_clips
from mmviewpose.datasets.synthetic.impairment import SIDES, impair, stiffened
from mmviewpose.skeletons import get_skeleton, heading

APE17 = get_skeleton('ape17')
GRADES = 5


@pytest.fixture(scope='module')
def clips():
    return synthetic_clips(12, num_frames=60, seed=4)


@pytest.fixture(scope='module')
def graded(clips):
    """Each clip's grades, exactly as strong as they say: ``[clip][grade]``."""
    made = impair(clips, GRADES, spread=0.)
    return [made[n:n + GRADES] for n in range(0, len(made), GRADES)]


def bones(positions, skeleton=APE17):
    child, parent = np.array(skeleton.bones).T
    return positions[..., child, :] - positions[..., parent, :]


def limbs(side, skeleton=APE17):
    """Joints of an arm and a leg."""
    return [*skeleton.parts[f'{side}_arm'], *skeleton.parts[f'{side}_leg']]


def turned_back(positions, skeleton=APE17, by=None):
    """Seen from the body's own heading."""
    angle = -heading(positions if by is None else by, skeleton).astype(np.float64)
    cos, sin, zero, one = np.cos(angle), np.sin(angle), 0 * angle, 1 + 0 * angle
    turn = np.stack([cos, zero, sin, zero, one, zero, -sin, zero, cos], -1).reshape(-1, 3, 3)
    return np.einsum('tij,tkj->tki', turn, positions.astype(np.float64))


def motion(clip, joints, by, skeleton=APE17):
    """How far the bones to these joints stray from their mean direction."""
    way = bones(turned_back(clip.positions, skeleton, by.positions), skeleton)
    child = [bone[0] for bone in skeleton.bones]
    way = way[:, [child.index(joint) for joint in joints if joint in child]]
    way /= np.linalg.norm(way, axis=-1, keepdims=True)
    return np.linalg.norm(way - way.mean(0), axis=-1).mean()


def test_every_clip_is_there_in_every_grade(clips):
    made = impair(clips, grades=3)
    assert [clip.name for clip in made] == [f'{clip.name}_g{g}' for clip in clips
                                            for g in range(3)]
    for number, clip in enumerate(made):
        before = clips[number // 3]
        assert clip.labels == {**before.labels, 'score': number % 3,
                               'impaired_side': clip.labels['impaired_side']}
        assert clip.positions.shape == before.positions.shape
        assert clip.positions.dtype == np.float32 and np.isfinite(clip.positions).all()
        assert (clip.layout, clip.up, clip.fps) == (before.layout, before.up, before.fps)
    sides = [clip.labels['impaired_side'] for clip in made]
    assert sides[::3] == sides[1::3] == sides[2::3] and set(sides) == {0, 1}
    assert 'score' not in clips[0].labels, 'what came in stays'


def test_grade_0_is_unchanged(clips, graded):
    for before, grades in zip(clips, graded):
        np.testing.assert_allclose(grades[0].positions, before.positions, atol=.01)


def test_bone_lengths_stay(clips, graded):
    for before, grades in zip(clips, graded):
        for clip in grades:
            np.testing.assert_allclose(np.linalg.norm(bones(clip.positions), axis=-1),
                                       np.linalg.norm(bones(before.positions), axis=-1), atol=.02)


def test_only_one_side_loses_motion_and_more_with_each_grade(clips, graded):
    for before, grades in zip(clips, graded):
        side = grades[0].labels['impaired_side']
        stiff = [motion(clip, limbs(SIDES[side]), before) for clip in grades]
        assert (np.diff(stiff) < 0).all() and stiff[-1] < .3 * stiff[0]
        others = [joint for joint in range(17) if joint not in limbs(SIDES[side])]
        for clip in grades:
            np.testing.assert_allclose(clip.positions[:, others], before.positions[:, others],
                                       atol=.01)


def test_directions_against_loops(clips):
    clip, kept, side = clips[3], .3, 'right'
    found = turned_back(stiffened(clip, side, kept), by=clip.positions)
    before = turned_back(clip.positions)
    for child, parent in APE17.bones:
        way = before[:, child] - before[:, parent]
        length = np.linalg.norm(way, axis=1)
        if child in limbs(side):
            directions = way / length[:, None]
            mean = sum(directions) / len(directions)
            for t in range(len(way)):
                mixed = mean + kept * (directions[t] - mean)
                way[t] = length[t] * mixed / np.sqrt((mixed**2).sum())
        np.testing.assert_allclose(found[:, child] - found[:, parent], way, atol=.02)
    np.testing.assert_allclose(found[:, 0], before[:, 0], atol=.01)


def test_a_whole_loss_leaves_a_limb_rigid_on_the_body(clips):
    clip = clips[1]
    still = replace(clip, positions=stiffened(clip, 'left', 0.))
    assert motion(still, limbs('left'), clip) < 1e-4
    assert motion(clip, limbs('left'), clip) > .05
    assert np.ptp(still.positions[:, 0], axis=0).max() == pytest.approx(
        np.ptp(clip.positions[:, 0], axis=0).max(), abs=.02), 'they still go somewhere'


def test_where_the_body_faces_and_stands_does_not_matter(clips):
    clip = clips[2]
    angle = np.linspace(.3, 2.9, len(clip))  # it turns while it moves, too
    cos, sin, zero, one = np.cos(angle), np.sin(angle), 0 * angle, 1 + 0 * angle
    turn = np.stack([cos, zero, sin, zero, one, zero, -sin, zero, cos], -1).reshape(-1, 3, 3)

    def walked(positions):
        return np.einsum('tij,tkj->tki', turn, positions) + [700, 0, -400]
    moved = replace(clip, positions=walked(clip.positions))
    np.testing.assert_allclose(stiffened(moved, 'left', .4),
                               walked(stiffened(clip, 'left', .4)), atol=.05)


def test_the_spread_and_the_seed(clips, monkeypatch):
    def strengths(**options):
        """Shares of motion that are kept, ``(C, G)``."""
        kept = []

        def record(clip, side, share):
            kept.append(share)
            return clip.positions
        with monkeypatch.context() as patch:
            patch.setattr('mmviewpose.datasets.synthetic.impairment.stiffened', record)
            impair(clips, GRADES, **options)
        return np.array(kept).reshape(-1, GRADES)

    grades = np.arange(GRADES)
    np.testing.assert_allclose(strengths(spread=0., loss=.25), [1 - .25 * grades] * len(clips))
    drawn = strengths()
    assert (drawn[:, 0] == 1).all()
    assert np.abs(drawn - (1 - .22 * grades)).max() < .22 * .2
    assert drawn[:, 1:].std(0).min() > .01 and (np.diff(drawn) < 0).all()
    assert (strengths(loss=.25) >= 0).all() and strengths(loss=.25)[:, 4].max() > 0
    again, other = (impair(clips, 2, seed=seed) for seed in (0, 1))
    for first, second in zip(impair(clips, 2), again):
        assert np.array_equal(first.positions, second.positions)
    assert any(a.labels != b.labels for a, b in zip(again, other))


def test_frames_that_are_not_valid_do_not_count(clips):
    clip = clips[3]
    valid = np.ones(len(clip), bool)
    valid[10:40] = False
    holes = replace(clip, positions=np.where(valid[:, None, None], clip.positions, 0),
                    valid=valid)
    short = replace(clip, positions=clip.positions[valid], valid=None)
    np.testing.assert_allclose(stiffened(holes, 'left', .3)[valid], stiffened(short, 'left', .3),
                               atol=.02)
    assert np.array_equal(impair([holes], 2)[1].valid, valid)


def test_another_layout(clips):
    clip, skeleton = to_layout(clips[0], 'h36m17'), get_skeleton('h36m17')
    grades = impair([clip], GRADES, spread=0.)
    side = SIDES[grades[0].labels['impaired_side']]
    stiff = [motion(grade, limbs(side, skeleton), clip, skeleton) for grade in grades]
    assert (np.diff(stiff) < 0).all()
    np.testing.assert_allclose(np.linalg.norm(bones(grades[4].positions, skeleton), axis=-1),
                               np.linalg.norm(bones(clip.positions, skeleton), axis=-1), atol=.02)


@pytest.mark.parametrize('wrong', [dict(grades=0), dict(grades=6), dict(loss=.3),
                                   dict(loss=-.1)])
def test_wrong_grades(clips, wrong):
    with pytest.raises(ValueError, match='loses .* of the motion, which must be from 0 to 1'):
        impair(clips, **wrong)
    assert len(impair(clips[:1], 1)) == 1 and len(impair(clips[:1], 3, loss=.5)) == 3
