import numpy as np
import pytest

pytest.importorskip('matplotlib')

from mmviewpose.visualization.image_colours import (NUM_PARTS, SEGMENTS,  # noqa: E402
                                                    ImageLook, image_kind, part_palette)

RNG = np.random.default_rng(0)


def part_maps(count=2, size=8):
    """Maps as bytes hold them, with every part and the background."""
    part = RNG.permutation(np.resize(np.arange(NUM_PARTS + 1), count * size * size))
    part = part.reshape(count, size, size)
    u, v = RNG.random((2, *part.shape)) * (part > 0)
    return np.rint(255 * np.stack([part / NUM_PARTS, u, v], 1)).astype(np.float32) / 255, part


def depth_maps():
    depth = np.zeros((2, 1, 4, 4))
    depth[:, :, 1:3] = np.linspace(.8, 1, 4)
    return depth


def test_kinds():
    assert image_kind(part_maps()[0]) == 'parts'
    assert image_kind(depth_maps()) == 'depth' == image_kind(depth_maps().repeat(3, 1))
    assert image_kind(RNG.random((2, 3, 8, 8))) == 'rgb'
    assert image_kind(RNG.integers(256, size=(2, 3, 8, 8)) / 255) == 'rgb'


def test_every_part_has_a_colour_of_its_segment():
    assert sorted(part for _, parts in SEGMENTS.values() for part in parts) == list(range(1, 25))
    plain = part_palette(sides=False)
    assert len(np.unique(plain[1:], axis=0)) == len(SEGMENTS)
    for color, parts in SEGMENTS.values():
        rgb = [int(color[i:i + 2], 16) / 255 for i in (1, 3, 5)]
        np.testing.assert_allclose(plain[list(parts)], [rgb] * len(parts))
    # left and right, back and front differ
    for one, other in ((1, 2), (3, 4), (5, 6), (7, 8), (11, 12), (16, 17), (20, 21), (23, 24)):
        assert (part_palette()[one] != part_palette()[other]).any()


def test_part_maps_are_coloured_by_part_and_along_it():
    images, part = part_maps()
    found = ImageLook(images)(images)
    assert found.shape == (2, 8, 8, 3)
    assert (found[part == 0] == 1).all()    # white
    brightness = found / part_palette()[part]
    v = images[:, 2]
    np.testing.assert_allclose(brightness[part > 0], np.repeat(.6 + .4 * v[part > 0], 3)
                               .reshape(-1, 3), rtol=1e-2)   # a byte of the part's number


def test_decoded_parts_lie_between_and_fade():
    look = ImageLook(part_maps()[0])
    decoded = np.full((5, 3, 1, 1), .99)
    decoded[:, 0, 0, 0] = np.array([12.5, 14, 15, 14.5, .4]) / NUM_PARTS
    shank, arm, between, nobody = look(decoded)[1:, 0, 0]
    np.testing.assert_allclose(between, (shank + arm) / 2, atol=1e-6)
    assert (nobody == 1).all()
    faint = look(decoded * [[[[.5]]]] * np.array([1, .2, .2])[:, None, None])[0, 0, 0]
    strong = look(decoded * [[[[.5]]]] * np.array([1, .9, .2])[:, None, None])[0, 0, 0]
    assert (faint > strong).all()           # nearer to white


def test_depth_is_grey_and_rises():
    images = depth_maps()
    look = ImageLook(images)
    grey = look(images)
    assert (grey[..., :1] == grey).all() and (grey[:, 0] == 0).all()
    ramp = look(np.linspace(-.2, 1.2, 50).reshape(1, 1, 1, 50))[0, 0, :, 0]
    assert (np.diff(ramp) >= 0).all() and ramp[0] == 0 and ramp[-1] == 1
    assert grey[0, 1, 0, 0] == pytest.approx(.35)   # the nearest point


def test_colour_images_stay_and_bad_numbers_do_not_break():
    images = RNG.random((2, 3, 8, 8))
    np.testing.assert_array_equal(ImageLook(images)(images), images.transpose(0, 2, 3, 1))
    broken = np.full((2, 3, 8, 8), np.nan)
    for known in (images, part_maps()[0], depth_maps().repeat(3, 1), np.zeros((1, 1, 4, 4))):
        found = ImageLook(known)(broken)
        assert np.isfinite(found).all() and found.min() >= 0 and found.max() <= 1
