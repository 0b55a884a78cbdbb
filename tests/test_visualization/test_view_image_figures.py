import numpy as np
import pytest
import torch

pytest.importorskip('matplotlib')

from mmviewpose.geometry.view_transform import pose_in_view  # noqa: E402
from mmviewpose.visualization import (animate_turning, turning_pose_figure,  # noqa: E402
                                      view_images, view_images_figure)

RNG = np.random.default_rng(0)


def size(path):
    from PIL import Image
    with Image.open(path) as image:
        return image.size


def part_maps(*shape):
    part = RNG.integers(25, size=(*shape, 1, 8, 8))
    return np.concatenate([part / 24, RNG.random((*shape, 2, 8, 8)) * (part > 0)], -3)


@pytest.mark.parametrize('channels', [1, 3])
def test_sheet_of_views(channels, tmp_path):
    rows = {name: RNG.uniform(-.2, 1.2, (2, 3, channels, 8, 8)) for name in ('input', 'decoded')}
    path = view_images_figure(rows, tmp_path / 'new' / 'views.png', ['a', 'b', 'c'])
    wide = view_images_figure({'input': RNG.random((4, 3, channels, 8, 8))}, tmp_path / 'wide.png')
    assert size(wide)[0] > size(path)[0] and size(wide)[1] < size(path)[1]


def test_sheet_of_part_maps_says_what_is_what(tmp_path):
    rows = {'input': part_maps(2, 3), 'decoded\nfrom its own pose': RNG.random((2, 3, 3, 8, 8))}
    path = view_images_figure(rows, tmp_path / 'views.svg', ['a', 'b', 'c'], ['walk', 'bow'],
                              'a title\nand more')
    words = path.read_text()
    for text in ('input', 'decoded', 'from its own pose', 'walk', 'bow', 'a title', 'and more',
                 'forearms'):
        assert f'<!-- {text} -->' in words


@pytest.mark.parametrize('rows', [
    {}, {'a': np.zeros((2, 3, 8, 8))}, {'a': np.zeros((2, 3, 2, 8, 8))},
    {'a': np.zeros((0, 3, 3, 8, 8))},
    {'a': np.zeros((2, 3, 1, 8, 8)), 'b': np.zeros((2, 2, 1, 8, 8))}])
def test_sheet_of_what_does_not_fit(rows, tmp_path):
    with pytest.raises(ValueError, match=r'\(M, V, C, H, W\)'):
        view_images_figure(rows, tmp_path / 'views.png')
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('given', [dict(names=['a', 'b']), dict(moments=['a'])])
def test_sheet_with_other_numbers_of_names(given, tmp_path):
    with pytest.raises(ValueError, match='names'):
        view_images_figure({'a': np.zeros((2, 3, 1, 8, 8))}, tmp_path / 'views.png', **given)


def test_turned_as_the_model_turns():
    poses, angles = RNG.normal(size=(2, 7, 3)), (0., 30., 200., -90.)
    turns = torch.zeros(4, 3, dtype=torch.float64)
    turns[:, 1] = torch.deg2rad(torch.tensor(angles, dtype=torch.float64))
    expected = pose_in_view(torch.from_numpy(poses)[:, None], turns, torch.zeros_like(turns))
    np.testing.assert_allclose(view_images._turned(poses, angles), expected.numpy(), atol=1e-12)


def test_turned_poses(tmp_path):
    poses, images, inputs = RNG.normal(size=(2, 7, 3)), RNG.random((2, 3, 3, 8, 8)), part_maps(2)
    alone = turning_pose_figure(poses, tmp_path / 'points.png')
    assert size(alone)[0] > 600
    path = turning_pose_figure(poses, tmp_path / 'turning.png', [0, 45, 90], images, inputs,
                               ['walk\nseen by camera 1', 'bow'])
    assert size(path)[1] > size(alone)[1]
    path = animate_turning(poses, tmp_path / 'turning.gif', [0, 45, 90], images, inputs,
                           ['walk\nseen by camera 1', 'bow'])
    from PIL import Image
    with Image.open(path) as movie:
        assert movie.n_frames == 3
        frames = []
        for number in range(3):
            movie.seek(number)
            frames.append(np.asarray(movie.convert('RGB')))
    assert all((a != b).any() for a, b in zip(frames, frames[1:]))


@pytest.mark.parametrize('given, match', [
    (dict(poses=np.zeros((2, 7, 2))), 'poses must be'),
    (dict(poses=np.zeros((0, 7, 3))), 'poses must be'),
    (dict(poses=np.full((2, 7, 3), np.nan)), 'not finite'),
    (dict(angles=[]), 'angles'),
    (dict(images=np.zeros((2, 2, 3, 8, 8))), 'images must be'),
    (dict(images=np.zeros((2, 3, 2, 8, 8))), 'images must be'),
    (dict(inputs=np.zeros((3, 3, 8, 8))), 'inputs must be'),
    (dict(inputs=np.zeros((2, 2))), 'inputs must be'),
    (dict(names=['a']), 'names')])
def test_turns_of_what_does_not_fit(given, match, tmp_path):
    good = dict(poses=np.zeros((2, 7, 3)), angles=[0, 1, 2])
    for draw in (turning_pose_figure, animate_turning):
        with pytest.raises(ValueError, match=match):
            draw(**{**good, **given}, path=tmp_path / 'turning.gif')
    assert not list(tmp_path.iterdir())


def test_poses_of_one_place_are_drawn(tmp_path):
    assert turning_pose_figure(np.zeros((1, 1, 3)), tmp_path / 'turning.png').stat().st_size > 2000
