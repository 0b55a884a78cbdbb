import numpy as np
import pytest
from matplotlib.image import imread

from mmviewpose.datasets.synthetic import synthetic_poses
from mmviewpose.visualization import lifted_poses_figure


def test_a_row_a_method_and_one_of_what_went_in(tmp_path):
    poses = synthetic_poses(3, seed=0)
    poses = poses - poses[:, :1]
    methods = {'flat': poses * [1, 1, 0], 'right': poses}
    path = lifted_poses_figure(methods, poses, poses[..., :2], tmp_path / 'new' / 'a.png')
    both = imread(path)[..., :3]
    one = imread(lifted_poses_figure({'flat': methods['flat']}, poses, poses[..., :2],
                                     tmp_path / 'b.png'))
    assert both.shape[0] > one.shape[0] and abs(both.shape[1] - one.shape[1]) <= 2
    assert (both.min(-1) < .9).mean() > .005


def test_shapes_that_do_not_fit(tmp_path):
    poses = np.zeros((2, 17, 3))
    with pytest.raises(ValueError, match="prediction 'a' must be"):
        lifted_poses_figure({'a': poses[:1]}, poses, poses[..., :2], tmp_path / 'a.png')
    with pytest.raises(ValueError, match='points must be'):
        lifted_poses_figure({'a': poses}, poses, poses, tmp_path / 'a.png')
