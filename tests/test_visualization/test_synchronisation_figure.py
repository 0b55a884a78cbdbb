"""The figure of a match shows what was found, clear or not."""
import numpy as np
import pytest
from matplotlib.image import imread

from mmviewpose.functional.synchronisation import SharedMotion, TimeOffset
from mmviewpose.visualization.synchronisation import _window, synchronisation_figure


def make_match(doubt='', seconds=.7):
    offsets = np.arange(-60, 61) / 30
    curve = .3 + .5 * np.exp(-8 * (offsets - seconds) ** 2) + .1 * np.cos(9 * offsets)
    return TimeOffset(seconds, float(curve.max()), 40., .6, -.5, offsets, curve, doubt)


def make_motion(length=240, delay=.7):
    times = np.arange(length) / 30
    return SharedMotion(3, times, np.sin(times), times, np.sin(times + delay))


@pytest.mark.parametrize('doubt', ['', 'the motion repeats: an offset of -1.23 s fits nearly as '
                                       'well as +0.70 s'])
@pytest.mark.parametrize('seconds', [.7, 1.95, -2.])
def test_is_written(tmp_path, doubt, seconds):
    path = synchronisation_figure(make_match(doubt, seconds), make_motion(),
                                  tmp_path / 'new' / 'match.png', ('front', 'side'), 'left wrist')
    image = imread(path)[..., :3]
    assert min(image.shape[:2]) > 500 and (image.min(-1) < .95).mean() > .02
    # green says clear, vermillion not; both cameras' lines are there in any case
    green = ((image[..., 1] > .5) & (image[..., 0] < .3) & (image[..., 2] < .6)).sum()
    assert (green > 50) == (not doubt)


def test_gaps_are_drawn_as_gaps(tmp_path):
    motion = make_motion()
    motion.height_a[50:90] = np.nan
    path = synchronisation_figure(make_match(), motion, tmp_path / 'match.png')
    whole = synchronisation_figure(make_match(), make_motion(), tmp_path / 'whole.png')
    assert (imread(path) != imread(whole)).any()


def test_of_a_long_recording_the_liveliest_part_is_drawn():
    times = np.arange(1800) / 30
    height = np.where((times > 30) & (times < 40), np.sin(9 * times), 0.)
    low, high = _window(SharedMotion(0, times, height, times, height), .5)
    assert high - low == pytest.approx(12.) and low <= 30.1 and high >= 39.9
    assert _window(make_motion(), .7) == (0., pytest.approx(239 / 30 + .7))
