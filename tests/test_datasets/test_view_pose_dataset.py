import numpy as np
import pytest
import torch

from mmviewpose.datasets.datasets import ViewPoseDataset
from mmviewpose.datasets.formats.views import ViewSequence, write_views
from mmviewpose.datasets.transforms import PackLifting
from mmviewpose.errors import DatasetError

INTRINSICS = (1000., 900., 480., 520.)


def sequence(clip, poses, scores=None, labelled=True, known=True):
    points = poses[..., :2] / poses[..., 2:] * INTRINSICS[:2] + INTRINSICS[2:]
    scores = np.ones(poses.shape[:2]) if scores is None else scores
    return ViewSequence(points, scores, clip, 'front', 30., (960, 1040), 'h36m17',
                        INTRINSICS if known else None,
                        poses if labelled else None, dict(subject=1, action=clip[0]))


@pytest.fixture
def poses():
    return np.random.default_rng(0).normal(scale=300, size=(6, 17, 3)) + [0, 0, 5000]


def test_points_and_poses_are_those_of_the_camera(tmp_path, poses):
    write_views(tmp_path / 'a.npz', [sequence('walk', poses)])
    dataset = ViewPoseDataset([dict(ann_file='a.npz')], str(tmp_path))
    batch = dataset.__getitems__(range(6))
    plane = poses[..., :2] / poses[..., 2:] * 4500 * [1, -1]
    assert torch.allclose(batch['keypoints_2d'],
                          torch.tensor(plane - plane[:, :1]).float(), atol=1e-2)
    expected = (poses - poses[:, :1]) * [1, -1, -1]
    assert torch.allclose(batch['keypoints'], torch.tensor(expected).float(), atol=1e-2)
    assert batch['mask'].all() and batch['subject'].tolist() == [1] * 6
    assert dataset.metainfo['label_names'] == {'action': ['w']}


def test_frames_with_a_joint_that_was_not_seen_are_left_out(tmp_path, poses):
    scores = np.ones((6, 17))
    scores[2, 5] = 0.1
    write_views(tmp_path / 'a.npz', [sequence('walk', poses, scores)])
    sources = [dict(ann_file='a.npz')]
    found = ViewPoseDataset(sources, str(tmp_path)).arrays['keypoints']
    kept = (poses - poses[:, :1])[[0, 1, 3, 4, 5]] * [1, -1, -1]
    assert torch.allclose(found, torch.tensor(kept).float(), atol=1e-2)
    assert len(ViewPoseDataset(sources, str(tmp_path), min_score=0.05)) == 6
    with pytest.raises(DatasetError, match='no frame is left'):
        ViewPoseDataset(sources, str(tmp_path), min_score=1.1)


def test_frames_without_3d_train_and_are_not_tested(tmp_path, poses):
    write_views(tmp_path / 'a.npz', [sequence('walk', poses),
                                     sequence('jump', poses[:2], labelled=False, known=False)])
    sources = [dict(ann_file='a.npz')]
    batch = ViewPoseDataset(sources, str(tmp_path), pipeline=[PackLifting()]).__getitems__(range(8))
    mask = batch['data_samples']['mask']
    assert mask.all(1).sum() == 6 and (~mask).all(1).sum() == 2
    assert (batch['data_samples']['target'][~mask] == 0).all()
    assert batch['inputs'].isfinite().all()
    assert len(ViewPoseDataset(sources, str(tmp_path), with_3d=True)) == 6


def test_what_cannot_be(tmp_path):
    with pytest.raises(DatasetError, match='no sources'):
        ViewPoseDataset([])
    with pytest.raises(DatasetError, match='file not found'):
        ViewPoseDataset.check_files(dict(sources=[dict(ann_file='none.npz')]))
