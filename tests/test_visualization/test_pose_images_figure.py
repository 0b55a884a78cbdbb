import numpy as np
import pytest
from matplotlib.image import imread

from mmviewpose.datasets.synthetic import synthetic_poses
from mmviewpose.visualization import pose_images_figure

RNG = np.random.default_rng(0)


def moments(count, views):
    target = synthetic_poses(count, seed=0)
    target = target - target[:, :1]
    images = RNG.integers(256, size=(count, views, 3, 8, 8)).astype(np.uint8)
    return images, np.repeat(target[:, None], views, 1), target


def test_sheet_says_how_far_poses_are(tmp_path):
    images, poses, target = moments(1, 2)
    poses[0, 1] += [3., 0., 4.]
    path = pose_images_figure(images, poses, target, 'ape17', tmp_path / 'new' / 'poses.svg',
                              [['camera 1', 'camera 4']], ['bow, subject 7'], 'a title')
    words = path.read_text()
    for text in ('0 mm', '5 mm', 'camera 1', 'camera 4', 'bow, subject 7', 'a title', 'input',
                 'predicted', 'from the side', 'true pose'):
        assert f'<!-- {text} -->' in words, text


def test_without_predictions_the_true_pose_is_shown_once(tmp_path):
    images, _, target = moments(1, 2)
    path = pose_images_figure(images / 255., None, target, 'ape17', tmp_path / 'poses.svg')
    words = path.read_text()
    assert '<!-- input -->' in words and ' mm -->' not in words and 'predicted' not in words


def test_images_are_shown_as_they_are_and_moments_go_into_lines(tmp_path):
    images, _, target = moments(3, 1)
    images[:] = np.array([255, 0, 255], np.uint8)[:, None, None]
    sizes = []
    for number, shown in enumerate((images, images / 255.)):
        for count in (1, 3):
            picture = imread(pose_images_figure(shown[:count], None, target[:count], 'ape17',
                                                tmp_path / f'{number}.png'))
            sizes.append(picture.shape)
            magenta = (picture[..., :3] == [1., 0., 1.]).all(-1).sum()
            assert magenta == pytest.approx(count * (1.26 * 150)**2, rel=.05)
    assert sizes[:2] == sizes[2:] and sizes[1][0] > 1.5 * sizes[0][0]


@pytest.mark.parametrize('change, message', [
    (lambda i, p, t: (i[:, :, 0], p, t), 'images must be'),
    (lambda i, p, t: (i[:0], p, t), 'images must be'),
    (lambda i, p, t: (i, p[:, :1], t), 'poses must be'),
    (lambda i, p, t: (i, p[..., :16, :], t), 'poses must be'),
    (lambda i, p, t: (i, p, t[:1]), 'target must be'),
    (lambda i, p, t: (i, p, t[:, :16]), r'target must be \(2, 17, 3\) in ape17, got \(2, 16, 3\)'),
])
def test_shapes_that_do_not_fit(change, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        pose_images_figure(*change(*moments(2, 2)), 'ape17', tmp_path / 'poses.png')
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('given, message', [
    (dict(names=[['a', 'b']]), '2 moments but 1 names'),
    (dict(names=[['a', 'b'], ['a']]), '2 views but 1 names'),
    (dict(moments=['a']), '2 moments but 1 names')])
def test_other_numbers_of_names(given, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        pose_images_figure(*moments(2, 2), 'ape17', tmp_path / 'poses.png', **given)
