import cv2
import numpy as np
import pytest

from mmviewpose.datasets.formats.image_tree import list_frames
from mmviewpose.datasets.person_images import PersonImages, cut_out
from mmviewpose.errors import DatasetError


def reference(image, mask, crop, size):
    """Pixel by pixel, as the docstring of cut_out says."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top = rows[0] + (rows[-1] - rows[0] + 1 - crop) // 2
    left = columns[0] + (columns[-1] - columns[0] + 1 - crop) // 2
    out = np.zeros((size, size, *image.shape[2:]), image.dtype)
    for i in range(size):
        for j in range(size):
            y, x = top + i * crop // size, left + j * crop // size
            if 0 <= y < image.shape[0] and 0 <= x < image.shape[1]:
                out[i, j] = image[y, x]
    return out


def person(rng, height, width, channels, kind, most):
    """An image that is 0 outside a random box."""
    image = np.zeros((height, width, *channels), kind)
    top, bottom = sorted(rng.choice(height + 1, 2, replace=False))
    left, right = sorted(rng.choice(width + 1, 2, replace=False))
    box = image[top:bottom, left:right]
    box[:] = rng.integers(1, most + 1, box.shape)
    return image


@pytest.mark.parametrize('crop, size', [(16, 4), (32, 8), (20, 8), (8, 16), (7, 7)])
@pytest.mark.parametrize('channels, kind', [((), np.uint16), ((3, ), np.uint8)])
def test_cut_out_against_a_loop_over_pixels(crop, size, channels, kind):
    rng = np.random.default_rng(crop)
    for _ in range(20):
        image = person(rng, *rng.integers(3, 40, 2), channels, kind, 200)
        mask = image.reshape(*image.shape[:2], -1)[..., 0]
        found = cut_out(image, mask, crop, size)
        np.testing.assert_array_equal(found, reference(image, mask, crop, size))


@pytest.fixture
def save(tmp_path):
    """Write images as frames 1, 2 ... of a recording."""
    def write(*images, ending='_IUV.png'):
        for number, image in enumerate(images, 1):
            path = tmp_path / f'{number:06d}{ending}'
            if isinstance(image, bytes):
                path.write_bytes(image)
            else:
                assert cv2.imwrite(str(path), image)
        return list_frames(tmp_path, 'depth' if ending == '.png' else 'densepose')
    return write


def test_densepose_channels(save):
    image = person(np.random.default_rng(0), 30, 26, (3, ), np.uint8, 24)
    image[..., 1:] *= 10
    found = PersonImages('densepose', 8, 16)(save(image), 1, 'walk')
    wanted = reference(image, image[..., 0], 16, 8).astype(float)
    wanted[..., 0] = np.rint(255 * wanted[..., 0] / 24)
    assert found.dtype == np.uint8 and found.shape == (3, 8, 8)
    np.testing.assert_array_equal(found, wanted.transpose(2, 0, 1))


def test_depth_is_divided_by_its_largest(save):
    image = person(np.random.default_rng(1), 30, 26, (), np.uint16, 4000)
    found = PersonImages('depth', 8, 16)(save(image, ending='.png'), 1, 'walk')
    wanted = np.rint(255 * reference(image, image, 16, 8).astype(float) / image.max())
    assert found.dtype == np.uint8 and wanted.max() > 200
    np.testing.assert_array_equal(found, np.stack([wanted] * 3))


def test_default_sizes_are_the_papers(save):
    image = np.zeros((424, 512), np.uint16)
    image[100:301, 200:260] = 3000
    found = PersonImages('depth')(save(image, ending='.png'), 1, 'walk')
    wanted = reference(image, image, 512, 128)
    assert found.shape == (3, 128, 128)
    np.testing.assert_array_equal(found[0] > 0, wanted > 0)


GOOD = np.full((9, 8, 3), 5, np.uint8)


@pytest.mark.parametrize('image, problem', [
    (np.zeros_like(GOOD), 'nobody is in the image'),
    (np.full((8, 9, 3), 5, np.uint8), '9 x 8 px, the first image of the recording has 8 x 9'),
    (GOOD[..., 0], 'must have three channels of 8 bits .* 9 x 8 of 8 bits'),
    (GOOD.astype(np.uint16), 'of 16 bits'),
    (np.full((9, 8, 4), 5, np.uint8), '9 x 8 x 4'),
    (GOOD + 20, r'part 25, there are 24; the first channel'),
    (b'', 'cannot be read as an image'),
    (b'no png', 'cannot be read as an image'),
    (cv2.imencode('.png', GOOD)[1].tobytes()[:40], 'cannot be read as an image'),
])
def test_bad_densepose(save, image, problem):
    read = PersonImages('densepose', 8, 8)
    frames = save(GOOD, image)
    read(frames, 1, 'walk')
    with pytest.raises(DatasetError, match=f'000002_IUV.png: sequence walk: frame 2: .*{problem}'):
        read(frames, 2, 'walk')


def test_bad_depth(save):
    good = np.full((9, 8), 500, np.uint16)
    frames = save(good, good.astype(np.uint8), np.zeros_like(good), ending='.png')
    read = PersonImages('depth', 8, 8)
    with pytest.raises(DatasetError, match='frame 2: a depth image must have one channel of 16'):
        read(frames, 2, 'walk')
    with pytest.raises(DatasetError, match='frame 3: nobody'):
        read(frames, 3, 'walk')
    assert PersonImages('depth', 8, 8, allow_empty=True)(frames, 3, 'walk').max() == 0


def test_bad_first_image_of_a_recording(save):
    frames = save(b'no png', GOOD)
    with pytest.raises(DatasetError, match='frame 1: cannot be read'):
        PersonImages()(frames, 2, 'walk')


def test_empty_densepose_as_black(save):
    frames = save(np.zeros_like(GOOD))
    assert PersonImages('densepose', 8, 8, allow_empty=True)(frames, 1, 'walk').max() == 0


def test_arguments():
    for wrong in (dict(modality='rgb'), dict(image_size=0), dict(crop=0)):
        with pytest.raises(ValueError, match='modality must be one of'):
            PersonImages(**wrong)
