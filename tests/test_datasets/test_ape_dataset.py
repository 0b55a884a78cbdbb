import json

import numpy as np
import pytest
import torch

from mmviewpose.datasets import ApeDataset
from mmviewpose.errors import DatasetError


@pytest.fixture
def root(tmp_path):
    """Two splits, N = 1 and 3; half of the files flat (51 numbers a pose)."""
    rng = np.random.default_rng(0)
    for number in (1, 3):
        for split, count in (('train', 6), ('test', 4)):
            folder = tmp_path / f'remove{number}' / split
            folder.mkdir(parents=True)
            clean = rng.normal(scale=300, size=(count, 17, 3)).round(3) + 1000
            corrupted = clean.copy()
            for pose in corrupted:
                pose[rng.choice(17, number, replace=False)] += 400.
            for name, poses in (('', corrupted), ('_gt', clean)):
                poses = poses.reshape(count, 51) if split == 'test' else poses
                (folder / f'APE_{split}{name}.json').write_text(json.dumps(poses.tolist()))
    return tmp_path


def test_pairs_relative_to_the_corrupted_root(root):
    dataset = ApeDataset(str(root), 'test', num_moved=(1, 3))
    assert len(dataset) == 8
    arrays = dataset.arrays
    assert arrays['num_moved'].tolist() == [1] * 4 + [3] * 4
    assert torch.equal(arrays['moved'].sum(1), arrays['num_moved'])
    assert arrays['corrupted'][:, 0].abs().max() == 0
    kept = ~arrays['moved']
    assert torch.equal(arrays['corrupted'][kept], arrays['keypoints'][kept])
    shift = (arrays['corrupted'] - arrays['keypoints'])[arrays['moved']]
    torch.testing.assert_close(shift, torch.full_like(shift, 400.), rtol=0, atol=1e-3)
    assert len(ApeDataset(str(root), 'test', num_moved=[3])) == 4


def test_branch_b_is_branch_a_rotated(root):
    pipeline = [dict(type='CopyToViews'), dict(type='RotatePoses', mode='so3', view=1),
                dict(type='PackPoses')]
    batch = ApeDataset(str(root), 'train', num_moved=(1, 3), pipeline=pipeline).__getitems__([1, 8])
    inputs, target = batch['inputs'], batch['data_samples']['target']
    assert inputs.shape == target.shape == (2, 2, 17, 3)
    assert inputs[:, :, 0].abs().max() == 0
    assert (inputs[:, 0] - inputs[:, 1]).abs().max() > 50
    for poses in (inputs, target, target - inputs):
        first, second = (torch.cdist(poses[:, view], poses[:, view]) for view in (0, 1))
        torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-1)


def test_missing_files_are_named(root):
    cfg = dict(data_root=str(root), split='train', num_moved=[1, 3])
    ApeDataset.check_files(cfg)
    (root / 'remove3' / 'train' / 'APE_train_gt.json').unlink()
    with pytest.raises(DatasetError, match='remove3.*APE_train_gt.json.*data_preparation'):
        ApeDataset.check_files(cfg)
    with pytest.raises(DatasetError, match='remove2'):
        ApeDataset.check_files(dict(data_root=str(root)))
