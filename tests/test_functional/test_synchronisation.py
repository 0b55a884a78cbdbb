"""Offsets between cameras are found from the motion, told from hopeless ones, and resampled."""
import numpy as np
import pytest
import torch

from mmviewpose.datasets.synthetic import synthetic_clips
from mmviewpose.errors import UserError
from mmviewpose.functional.image_motion import SCALES, movement, octaves, resample
from mmviewpose.functional.synchronisation import (TimeOffset, _doubts, _information,
                                                   estimate_offset, shared_motion, synchronise)
from mmviewpose.geometry.camera import project, world_to_camera

FPS = 30.


def see(positions, azimuth, rng, height=1400., distance=4500., noise=3., drop=.05):
    """What a camera at an azimuth (degrees) sees of (T, K, 3) mm: px of a 500 px person, scores."""
    azimuth = np.radians(azimuth)
    target = positions[:, 0].mean(0) * [1., 0., 1.] + [0., 900., 0.]
    centre = target + [distance * np.sin(azimuth), height - 900., distance * np.cos(azimuth)]
    forward = (target - centre) / np.linalg.norm(target - centre)
    right = np.cross(forward, [0., 1., 0.])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward], -1)
    focal = 500. * distance / 1750.
    points = project(world_to_camera(*map(torch.as_tensor, (positions.astype(float), rotation,
                                                            centre))),
                     torch.tensor([focal, focal]), torch.tensor([960., 540.])).numpy()
    scores = rng.uniform(.6, 1., points.shape[:2]) * (rng.random(points.shape[:2]) >= drop)
    points += noise * rng.normal(size=points.shape)
    return (points * (scores > 0)[..., None]).astype(np.float32), scores.astype(np.float32)


def record(positions, seconds, length, rng, angle=90., azimuth=20., **options):
    """Two cameras' views of `length` frames; b begins `seconds` (whole frames) after a."""
    shift = int(round(seconds * FPS))
    begin = max(0, -shift), max(0, shift)
    return [see(positions[start:start + length], azimuth + number * angle, rng, **options)
            for number, start in enumerate(begin)]


@pytest.fixture(scope='module')
def rate(load_tool):
    return load_tool('analysis/synchronisation_rate.py')


@pytest.fixture(scope='module')
def takes(rate):
    return rate.human_paced_people()


@pytest.fixture(scope='module')
def performances(takes):
    """Twelve seconds each."""
    return [positions[:372] for _, positions in takes]


@pytest.fixture
def rng():
    return np.random.Generator(np.random.PCG64(5))


def test_offsets_of_up_to_two_seconds(rate, takes):
    found = rate.measure(takes, 100, seed=5, kind='performance')
    assert found['right'] + found['right, warned'] >= 95
    assert found['wrong, silent'] <= 1


def test_hopeless_recordings(rate, takes):
    unrelated = rate.measure(takes, 100, seed=5, kind='unrelated')
    # Two takes may be of one action, which the built-in people do alike.
    assert unrelated['refused'] >= 70 and unrelated['wrong, silent'] <= 2
    assert rate.measure(takes, 20, seed=5, kind='still')['refused'] == 20


def test_information_equals_that_of_plain_covariances(performances, rng):
    a, b = (movement(*view) for view in record(performances[3], .4, 200, rng))
    lag, expected = -7, 0.
    octaves_of = [octaves(points, FPS)[0] for points, _ in (a, b)]
    weights_of = [octaves(weights, FPS)[1] for _, weights in (a, b)]
    for octave, scale in enumerate(SCALES):
        first, second = octaves_of[0][octave, :lag], octaves_of[1][octave, -lag:]
        weight = weights_of[0][octave, :lag] * weights_of[1][octave, -lag:]
        for part, share in ((slice(-1), 1.), (slice(-1, None), .13)):
            both = np.concatenate([first, second], -1)[:, part].reshape(-1, 4)
            cov = np.cov(both.T, aweights=weight[:, part].ravel(), ddof=0)
            dets = [np.linalg.det(c) for c in (cov[:2, :2], cov[2:, 2:], cov)]
            expected += share / scale * .5 * np.log(dets[0] * dets[1] / dets[2])
    expected /= sum(1 / scale for scale in SCALES)
    found, _ = _information(a, b, FPS, 20)
    # The means, which `_information` leaves in, are next to nothing within an octave.
    assert found[20 + lag] == pytest.approx(expected, rel=.05)


def test_the_match_is_described(performances, rng):
    a, b = record(performances[10], .7, 240, rng)
    found = estimate_offset(*a, *b, FPS)
    assert found.seconds == pytest.approx(.7, abs=.5 / FPS) and found.doubt == ''
    assert found.evidence > 10 and found.margin > .2 and found.agreement == found.curve.max() > .6
    assert found.curve.shape == found.offsets.shape == (121,)
    assert (found.offsets[0], found.offsets[-1]) == (-2., 2.)
    assert abs(found.second - found.seconds) > .2
    # Swapping the cameras turns the sign.
    assert estimate_offset(*b, *a, FPS).seconds == pytest.approx(-found.seconds, abs=.2 / FPS)


def test_no_linear_map_of_an_image_matters(performances, rng):
    a, (keypoints, scores) = record(performances[3], -.5, 240, rng)
    turned = keypoints @ np.array([[0., 2.], [-2., 0.]]) + 300.
    found = [estimate_offset(*a, points * (scores > 0)[..., None], scores, FPS)
             for points in (keypoints, turned)]
    assert found[0].seconds == pytest.approx(-.5, abs=.5 / FPS)
    assert found[1].seconds == pytest.approx(found[0].seconds, abs=1e-3)


def test_fractions_of_a_frame_and_different_rates(performances, rng):
    slow = performances[10]
    a = see(slow[6:246], 20., rng)
    places = np.arange(200) * 30 / 25 + 20.4        # camera b: 25 fps, from frame 20.4 on
    before = places.astype(int)
    share = (places - before)[:, None, None]
    b = see(slow[before] * (1 - share) + slow[before + 1] * share, 110., rng)
    a = resample(*a, np.arange(200) * 30 / 25)
    assert estimate_offset(*a, *b, 25.).seconds == pytest.approx(14.4 / 30, abs=.5 / FPS)


def test_outliers_long_gaps_and_missing_joints(performances, rng):
    a, b = record(performances[4], 1., 270, rng, angle=60.)
    wild = rng.random(a[1].shape) < .03
    a[0][wild] += 300 * rng.normal(size=(wild.sum(), 2))
    b[1][100:140], b[0][100:140] = 0., 0.
    b[1][:, 3], b[0][:, 3] = 0., 0.
    found = estimate_offset(*a, *b, FPS)
    assert found.seconds == pytest.approx(1., abs=1 / FPS) and not found.doubt


@pytest.mark.parametrize('noise', [0., 3., 8.])
def test_standing_still_is_refused(performances, rng, noise):
    still = np.repeat(performances[0][:1], 300, axis=0)
    for _ in range(5):
        a, b = record(still, 0., 240, rng, rng.uniform(30., 180.), noise=noise)
        with pytest.raises(UserError, match='hardly moves'):
            estimate_offset(*a, *b, FPS)


def test_different_performances_are_not_taken_for_one(performances, rng):
    refused = clear = 0
    for number in range(12):
        a = see(performances[number][:240], 20., rng)
        b = see(performances[number + 5][:240], 110., rng)
        try:
            clear += not estimate_offset(*a, *b, FPS).doubt
        except UserError as e:
            assert 'do not match' in str(e)
            refused += 1
    assert refused >= 6 and clear == 0


def test_repeated_motion_and_the_end_of_the_search_are_doubts(rng):
    cycle = synthetic_clips(1, 30, seed=0, actions=['free'])[0].positions
    # A second there, a second back: the same every two seconds.
    loop = np.tile(np.concatenate([cycle, cycle[::-1]]), (7, 1, 1))
    a, b = record(loop, .2, 300, rng)
    assert 'repeats' in estimate_offset(*a, *b, FPS, 2.).doubt
    once = synthetic_clips(1, 372, seed=4, actions=['free'])[0].positions
    a, b = record(once, 1., 240, rng)
    try:
        assert estimate_offset(*a, *b, FPS, .9).doubt
    except UserError:
        pass


def test_what_cannot_be_searched(performances, rng):
    a, b = record(performances[0], 0., 240, rng)
    short = [part[:100] for part in b]
    with pytest.raises(UserError, match='3.3 s is too short.*2 s'):
        estimate_offset(*a, *short, FPS)
    with pytest.raises(UserError, match='no joint'):
        estimate_offset(*a, b[0], np.zeros_like(b[1]), FPS)
    with pytest.raises(ValueError, match='one K'):
        estimate_offset(*a, b[0][:, 1:], b[1][:, 1:], FPS)
    with pytest.raises(ValueError, match='positive'):
        estimate_offset(*a, *b, 0.)


def test_several_cameras_are_joined_by_their_best_pairs(performances, rng):
    begins = (0, 25, -18, 40)
    views = [see(performances[10][60 + begin:300 + begin], 20. + 60. * number, rng)
             for number, begin in enumerate(begins)]
    found = synchronise(views, FPS)
    np.testing.assert_allclose(found.seconds, np.array(begins) / FPS, atol=1 / FPS)
    assert found.seconds[0] == 0. and len(found.used) == 3 and found.doubts == []
    still = (np.repeat(views[0][0][:1], 240, 0), np.ones_like(views[0][1]))
    with pytest.raises(UserError, match='left and right cannot be synchronised: the person'):
        synchronise([views[0], still], FPS, names=['left', 'right'])


def test_pairs_that_contradict_each_other_are_named():
    def pair(seconds, doubt=''):
        return TimeOffset(seconds, .9, 30., .8, 1., np.zeros(1), np.zeros(1), doubt)

    seconds, used = np.array([0., .2, .5]), [(0, 1), (1, 2)]
    pairs = {(0, 1): pair(.2), (1, 2): pair(.3), (0, 2): pair(.52)}
    assert _doubts(seconds, pairs, used, 'abc', FPS) == []
    pairs[0, 2] = pair(-.4)
    line, = _doubts(seconds, pairs, used, 'abc', FPS)
    assert line == 'a and c match at -0.40 s, but by way of the others at +0.50 s'
    pairs[0, 2] = pair(-.4, 'weak')         # nothing to go by
    assert _doubts(seconds, pairs, used, 'abc', FPS) == []
    pairs[1, 2] = pair(.3, 'weak')
    assert _doubts(seconds, pairs, used, 'abc', FPS) == ['b and c: weak']


def test_a_camera_that_lost_frames_contradicts_the_others(takes, rng):
    """c lost 12 frames in the middle; a saw the first two thirds of it, b the last two."""
    positions = takes[5][1]
    middle, third = len(positions) // 2, len(positions) // 3
    a, b = see(positions, 20., rng), see(positions, 80., rng)
    c = see(np.delete(positions, range(middle, middle + 12), 0), 140., rng)
    a = [part[:2 * third] for part in a]
    for part in b:
        part[:third] = 0.
    found = synchronise([a, b, c], FPS, names='abc')
    assert found.used == [(0, 1), (1, 2)]
    np.testing.assert_allclose(found.seconds, [0., 0., .4], atol=1 / FPS)
    line, = found.doubts
    assert line.startswith('a and c match at ') and 'by way of the others' in line


def test_resample():
    keypoints = np.arange(10, dtype=np.float32)[:, None, None] * np.array([1., 10.], np.float32)
    scores = np.full((10, 1), .8, np.float32)
    scores[4] = 0.
    scores[7] = .2
    points, found = resample(keypoints, scores, np.array([0., 1.5, 2 + 1e-9, 3.5, 4., 6.25, 9., 9.5,
                                                          -1.]))
    np.testing.assert_allclose(found[:, 0], [.8, .8, .8, 0, 0, .2, .8, 0, 0])
    np.testing.assert_allclose(points[:, 0, 0], [0, 1.5, 2, 0, 0, 6.25, 9, 0, 0])
    assert points.dtype == found.dtype == np.float32


def test_the_motion_to_show(performances, rng):
    a, b = record(performances[10], .5, 240, rng, drop=0.)
    motion = shared_motion(*a, *b, FPS, .5)
    assert motion.height_a.shape == motion.times_a.shape == (240,)
    both = np.interp(motion.times_a, motion.times_b + .5, motion.height_b)[15:]
    assert np.corrcoef(both, motion.height_a[15:])[0, 1] > .9
