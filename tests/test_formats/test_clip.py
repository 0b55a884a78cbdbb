import numpy as np
import pytest

from mmviewpose.datasets.formats.clip import (SkeletonClip, at_fps, masked_clip, require_finite,
                                              take_every, to_layout, to_y_up)
from mmviewpose.errors import DatasetError
from mmviewpose.skeletons import remap


def clip(frames=9, fps=120., up='+y', layout='ape17', joints=17, **changes):
    positions = np.random.default_rng(0).normal(size=(frames, joints, 3))
    return SkeletonClip(positions, layout, up, fps, 'c', dict(action=1), **changes)


def test_fields_are_checked():
    c = clip()
    assert c.positions.dtype == np.float32 and c.valid.all() and len(c) == 9
    with pytest.raises(DatasetError, match=r'sequence c: layout ape17 needs .*\(T, 17, 3\)'):
        clip(joints=16)
    with pytest.raises(DatasetError, match='no frames'):
        clip(frames=0)
    with pytest.raises(DatasetError, match='mask of shape'):
        clip(valid=np.ones(3, bool))
    with pytest.raises(ValueError, match='up must be'):
        clip(up='+x')
    with pytest.raises(KeyError, match='no skeleton layout'):
        clip(layout='ape99')


@pytest.mark.parametrize('up, axis', [('+y', (0, 1, 0)), ('+z', (0, 0, 1)), ('-y', (0, -1, 0))])
def test_to_y_up_turns_and_never_mirrors(up, axis):
    frame = np.zeros((1, 17, 3))
    frame[0, :3] = np.eye(3)
    frame[0, 3] = axis
    out = to_y_up(SkeletonClip(frame, 'ape17', up, 1., 'c'))
    np.testing.assert_array_equal(out.positions[0, 3], [0, 1, 0])
    np.testing.assert_allclose(np.linalg.det(out.positions[0, :3]), 1)
    assert out.up == '+y'


def test_to_layout():
    c = clip(joints=20, layout='nucla20')
    out = to_layout(c, 'ape17')
    np.testing.assert_array_equal(out.positions, remap(c.positions, 'nucla20', 'ape17'))
    assert out.layout == 'ape17' and out.labels == c.labels
    assert to_layout(out, 'ape17') is out


def test_whole_ratios_drop_frames():
    c = clip(valid=np.arange(9) != 4)
    out = at_fps(c, 30.)
    np.testing.assert_array_equal(out.positions, c.positions[::4])
    assert out.fps == 30. and out.valid.tolist() == [True, False, True]
    assert at_fps(clip(fps=30.00003), 30.).fps == 30.
    np.testing.assert_array_equal(take_every(c, 4).positions, out.positions)


@pytest.mark.parametrize('fps', [50., 48., 25.])
def test_other_ratios_interpolate(fps):
    frames = np.arange(13, dtype=np.float32)
    c = SkeletonClip(np.broadcast_to(frames[:, None, None], (13, 17, 3)), 'ape17', '+y', 30., 'c')
    out = at_fps(c, fps)
    expected = np.arange(len(out)) * 30 / fps
    np.testing.assert_allclose(out.positions[:, 0, 0], expected, atol=1e-5)
    assert 12 - expected[-1] < 30 / fps and expected[-1] <= 12 + 1e-6


def test_interpolation_keeps_masks():
    valid = np.ones(9, bool)
    valid[4] = False
    out = at_fps(clip(fps=30., valid=valid), 60.)
    assert np.flatnonzero(~out.valid).tolist() == [7, 8, 9]


def test_rates_that_cannot_change():
    c = clip(fps=0.)
    assert at_fps(c, 30.) is c
    one = clip(frames=1)
    assert at_fps(one, 30.) is one
    with pytest.raises(ValueError, match='fps'):
        at_fps(c, 0)
    with pytest.raises(ValueError, match='stride'):
        take_every(c, 0)


def test_masked_clip():
    positions = np.ones((4, 17, 3))
    positions[0, 2] = 0
    positions[1] = 0
    positions[2, 3, 1] = np.inf
    args = dict(file='f', name='c', layout='ape17', up='+y', fps=30., labels={})
    out = masked_clip(positions, **args)
    assert out.valid.tolist() == [False, False, False, True]
    assert np.isfinite(out.positions).all()
    out = masked_clip(positions, zero_joint_invalid=False, **args)
    assert out.valid.tolist() == [True, False, False, True]
    with pytest.raises(DatasetError, match='f: sequence c: every frame'):
        masked_clip(positions[:3], **args)
    with pytest.raises(DatasetError, match='f: sequence c: no frames'):
        masked_clip(positions[:0], **args)


def test_require_finite_names_the_first_frame():
    a = np.ones((5, 2, 3))
    require_finite(a, 'f', 's')
    a[3:] = np.nan
    with pytest.raises(DatasetError, match='f: sequence s: frame 3: a value is not finite'):
        require_finite(a, 'f', 's')
    with pytest.raises(DatasetError, match='frame 12'):
        require_finite(a, 'f', 's', stride=4)
