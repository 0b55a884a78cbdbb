import numpy as np
import pytest
import torch

from mmviewpose.datasets.transforms import FlipImages, PackFrames, PackImages, ShiftImages
from mmviewpose.datasets.transforms.images import shift_images
from mmviewpose.functional import equivariance_loss
from mmviewpose.registry import TRANSFORMS
from mmviewpose.rendering import mirror_part_map


def pictures(*shape, side=8, seed=0):
    """Bytes without a zero, so that what comes in from outside is told apart."""
    return torch.randint(1, 256, (*shape, 3, side, side), dtype=torch.uint8,
                         generator=torch.Generator().manual_seed(seed))


def moments(count=6, views=2, side=8):
    return dict(images=pictures(count, views, side=side),
                partner=pictures(count, views, side=side, seed=1), clip=torch.arange(count),
                index=torch.arange(count))


# ---------------------------------------------------------------------------------------
# Shift


def moved_by_loops(image, right, down):
    """``(C, H, W)``."""
    out = np.zeros_like(image)
    _, height, width = image.shape
    for y in range(height):
        for x in range(width):
            if 0 <= y - down < height and 0 <= x - right < width:
                out[:, y, x] = image[:, y - down, x - right]
    return out


def test_each_image_is_moved_by_its_own_pixels():
    images = torch.cat([pictures(5, 2), pictures(5, 2, seed=1)], -2)  # 16 high, 8 wide
    moves = torch.tensor([[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1], [3, -2], [-4, 5], [7, 15],
                          [-8, 2], [9, -20]]).view(5, 2, 2)
    found = shift_images(images, moves)
    assert found.shape == images.shape and found.dtype == torch.uint8
    for b in range(5):
        for v in range(2):
            expected = moved_by_loops(images[b, v].numpy(), *moves[b, v].tolist())
            np.testing.assert_array_equal(found[b, v], expected)
    assert (found[4] == 0).all(), 'out of the image'


@pytest.mark.parametrize('shape', [(1, ), (4, ), (2, 3, 2)])
def test_any_leading_axes(shape):
    images = pictures(*shape)
    moves = torch.randint(-3, 4, (*shape, 2), generator=torch.Generator().manual_seed(1))
    found = shift_images(images, moves)
    for image, move, result in zip(images.reshape(-1, 3, 8, 8), moves.reshape(-1, 2),
                                   found.reshape(-1, 3, 8, 8)):
        np.testing.assert_array_equal(result, moved_by_loops(image.numpy(), *move.tolist()))


def test_the_shift_is_told_in_half_sides():
    torch.manual_seed(0)
    batch = moments(40, side=64)
    before = batch['images'].clone()
    batch = ShiftImages()(batch)
    assert torch.equal(batch['images'], before) and batch['shifted'].shape == before.shape
    assert batch['shift'].shape == (40, 2, 2) and batch['shift'].dtype == torch.float32
    pixels = batch['shift'] * 64 / 2
    assert torch.equal(pixels, pixels.round())
    torch.testing.assert_close(batch['shifted'], shift_images(before, pixels.long()))
    # a whole image's width to the right would be 2: from the left edge, -1, to the right one, 1
    assert equivariance_loss(torch.zeros(1, 1, 1, 3), torch.tensor([[[[2., 0., 0.]]]]),
                             2. * torch.tensor([[[64., 0.]]]) / 64) == 0


@pytest.mark.parametrize('side, options, least, most', [
    (512, dict(), 1, 50), (128, dict(), 1, 12), (48, dict(), 1, 5), (8, dict(), 1, 1),
    (64, dict(pixels=(2, 4), reference=32), 4, 8), (32, dict(pixels=(3, 3), reference=32), 3, 3)])
def test_how_far(side, options, least, most):
    torch.manual_seed(0)
    images = torch.zeros(30, 20, 1, 1, side, dtype=torch.uint8)  # width is what counts
    moves = (ShiftImages(**options)(dict(images=images))['shift'] * side / 2).long()
    sizes, counts = moves.abs().flatten().unique(return_counts=True)
    assert sizes.tolist() == list(range(least, most + 1))
    assert counts.min() > .4 * counts.float().mean()
    assert abs((moves > 0).double().mean((0, 1)) - .5).max() < .08, 'both ways alike'
    x, y = moves.flatten(0, 1).double().T
    assert abs((x * y).mean()) < .15 * most**2, 'axes by themselves'


def test_a_seed_decides_the_draw():
    torch.manual_seed(4)
    first = ShiftImages()(moments(side=32))['shift']
    torch.manual_seed(4)
    assert torch.equal(ShiftImages()(moments(side=32))['shift'], first)
    assert len(first.flatten(0, 1).unique(dim=0)) > 3


# ---------------------------------------------------------------------------------------
# Mirror


def test_all_images_of_a_moment_are_mirrored_together():
    torch.manual_seed(0)
    batch = moments(60)
    before = {key: value.clone() for key, value in batch.items()}
    batch = FlipImages()(batch)
    turned = {key: torch.stack([batch[key], before[key].flip(-1)]).diff(dim=0)[0].eq(0).flatten(2)
              .all(2) for key in ('images', 'partner')}
    kept = {key: (batch[key] == before[key]).flatten(2).all(2) for key in ('images', 'partner')}
    flipped = turned['images'][:, 0]
    assert 18 < flipped.sum() < 42
    for key in ('images', 'partner'):
        assert torch.equal(turned[key], flipped[:, None].expand(-1, 2))
        assert torch.equal(kept[key], ~turned[key])
        assert batch[key].dtype == torch.uint8
    assert torch.equal(batch['clip'], before['clip'])


@pytest.mark.parametrize('prob', [0., 1.])
def test_never_and_always(prob):
    batch = moments()
    before = batch['images'].clone()
    flipped = FlipImages(prob)(batch)['images']
    assert torch.equal(flipped, before.flip(-1) if prob else before)
    del batch['partner']
    assert 'partner' not in FlipImages(prob)(batch)


def test_parts_of_part_maps_change_sides():
    batch = moments()
    before = batch['images'].clone()
    flipped = FlipImages(1., part_map=True)(batch)['images']
    assert torch.equal(flipped, mirror_part_map(before))
    assert not torch.equal(flipped, before.flip(-1))


def test_a_mirrored_shift_has_the_other_sign():
    torch.manual_seed(0)
    plain = ShiftImages(pixels=(1, 3), reference=8)(moments())
    torch.manual_seed(0)
    mirrored = FlipImages(1.)(moments())
    torch.manual_seed(0)
    mirrored = ShiftImages(pixels=(1, 3), reference=8)(mirrored)
    # the draw is the same, so the mirrored person goes the other way than the mirror of the plain
    assert torch.equal(mirrored['shift'], plain['shift'])
    pixels = (plain['shift'] * 4).long()
    assert torch.equal(mirrored['shifted'].flip(-1),
                       shift_images(moments()['images'], pixels * torch.tensor([-1, 1])))
    assert not torch.equal(mirrored['shifted'].flip(-1), plain['shifted'])


# ---------------------------------------------------------------------------------------
# Packing


def test_packed_images():
    batch = ShiftImages()(moments())
    parts = dict(batch)
    packed = PackImages()(batch)
    assert set(packed['inputs']) == {'images', 'partner', 'shifted'}
    assert set(packed['data_samples']) == {'shift', 'clip', 'index'}
    for key, value in {**packed['inputs'], **packed['data_samples']}.items():
        assert torch.equal(value, parts[key])
    packed = PackImages(('images', ))(dict(parts))
    assert set(packed['inputs']) == {'images'} and 'partner' in packed['data_samples']
    with pytest.raises(KeyError, match='shifted'):
        PackImages()(moments())


def test_packed_frames():
    frames = pictures(4, 5)
    packed = PackFrames(('camera', 'subject'))(dict(
        frames=frames, label=torch.arange(4), index=torch.arange(4), camera=torch.ones(4),
        action=torch.zeros(4)))
    assert torch.equal(packed['inputs'], frames[:, None, None])
    assert set(packed['data_samples']) == {'label', 'index', 'camera'}
    poses = torch.randn(4, 5, 15)
    packed = PackFrames()(dict(frames=poses, label=torch.arange(4), index=torch.arange(4)))
    assert packed['inputs'].shape == (4, 1, 1, 5, 15)


def test_from_a_config():
    for name in ('FlipImages', 'ShiftImages', 'PackImages', 'PackFrames'):
        assert callable(TRANSFORMS.build(dict(type=name)))
