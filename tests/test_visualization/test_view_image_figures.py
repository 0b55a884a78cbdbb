import numpy as np
import pytest

pytest.importorskip('matplotlib')

from mmviewpose.visualization import (animate_turning, turning_pose_figure,  # noqa: E402
                                      view_images_figure)

RNG = np.random.default_rng(0)


def size(path):
    from PIL import Image
    with Image.open(path) as image:
        return image.size


@pytest.mark.parametrize('channels', [1, 3])
def test_sheet_of_views(channels, tmp_path):
    rows = {name: RNG.uniform(-.2, 1.2, (2, 3, channels, 8, 8)) for name in ('input', 'decoded')}
    path = view_images_figure(rows, tmp_path / 'new' / 'views.png', ['a', 'b', 'c'])
    wide = view_images_figure({'input': RNG.random((4, 3, channels, 8, 8))}, tmp_path / 'wide.png')
    assert size(wide)[0] > size(path)[0] and size(wide)[1] < size(path)[1]


@pytest.mark.parametrize('rows', [
    {}, {'a': np.zeros((2, 3, 8, 8))},
    {'a': np.zeros((2, 3, 1, 8, 8)), 'b': np.zeros((2, 2, 1, 8, 8))}])
def test_sheet_of_what_does_not_fit(rows, tmp_path):
    with pytest.raises(ValueError, match=r'\(M, V, C, H, W\)'):
        view_images_figure(rows, tmp_path / 'views.png')
    assert not list(tmp_path.iterdir())


def test_turned_poses(tmp_path):
    points, images = RNG.normal(size=(2, 3, 7, 3)), RNG.random((2, 3, 3, 8, 8))
    assert size(turning_pose_figure(points, images, [0, 45, 90], tmp_path / 'turning.png'))[0] > 200
    path = animate_turning(points, images, [0, 45, 90], tmp_path / 'turning.gif')
    from PIL import Image
    with Image.open(path) as movie:
        assert movie.n_frames == 3


@pytest.mark.parametrize('points, images, degrees', [
    ((2, 3, 7, 3), (2, 3, 3, 8, 8), [0, 1]), ((2, 3, 7, 3), (2, 2, 3, 8, 8), [0, 1, 2]),
    ((2, 7, 3), (2, 3, 3, 8, 8), [0, 1, 2]), ((0, 3, 7, 3), (0, 3, 3, 8, 8), [0, 1, 2])])
def test_turns_of_what_does_not_fit(points, images, degrees, tmp_path):
    for draw in (turning_pose_figure, animate_turning):
        with pytest.raises(ValueError, match='points must be'):
            draw(np.zeros(points), np.zeros(images), degrees, path=tmp_path / 'turning.gif')
