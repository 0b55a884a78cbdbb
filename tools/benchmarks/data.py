"""Batches of 2D-to-3D samples against mmpose's own lifting pipeline on the same arrays."""
import itertools
import statistics
import tempfile
import time
from pathlib import Path
from typing import Dict, Tuple

import numpy as np
import torch
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

import mmviewpose.compat  # noqa: F401  (mmpose imports only with its stand-ins in place)
from mmviewpose.datasets.datasets.array_dataset import ArrayDataset
from mmviewpose.datasets.synthetic import synthetic_poses

BATCH_SIZES = (64, 1024, 8192)
FOCAL, DISTANCE = 1145., 5000.  # Human3.6M's, px and mm


def _arrays(count: int) -> Tuple[np.ndarray, np.ndarray]:
    """Key points in an image of 1,000 px, ``(N, 17, 2)``, and in 3D, ``(N, 17, 3)`` in m."""
    poses = synthetic_poses(count, 0)
    place = np.random.default_rng(0).uniform(-1000, 1000, (count, 1, 3))
    poses = np.asarray(poses - poses[:, :1] + place, np.float32)
    image = 500 + FOCAL * poses[..., :2] / (poses[..., 2:] + DISTANCE)
    return image.astype(np.float32), poses / 1000


class _Statistics:
    """Means and deviations, ``(K, D)``, of the 2D key points and of the targets without root."""

    def __init__(self, image: np.ndarray, poses: np.ndarray) -> None:
        target = poses[:, 1:] - poses[:, :1]
        self.keypoints_mean, self.keypoints_std = image.mean(0), image.std(0)
        self.target_mean, self.target_std = target.mean(0), target.std(0)


def _mmpose_dataset(image: np.ndarray, poses: np.ndarray, stats: _Statistics,
                    folder: Path) -> dict:
    """Config of mmpose's Human36mDataset with its image_pose_lift pipeline, but for the
    statistics."""
    count = len(image)
    ones = np.ones((*image.shape[:2], 1), np.float32)
    np.savez(folder / 'h36m.npz', imgname=np.array(['S1_Walking.60457274_000001.jpg'] * count),
             center=np.zeros((count, 2), np.float32), scale=np.ones(count, np.float32),
             part=np.concatenate([image, ones], -1), S=np.concatenate([poses, ones], -1))
    codec = dict(type='ImagePoseLifting', num_keypoints=image.shape[1], root_index=0,
                 remove_root=True, **vars(stats))
    keys = ('id', 'category_id', 'target_img_path', 'flip_indices', 'target_root',
            'target_root_index', 'target_mean', 'target_std')
    return dict(
        type='Human36mDataset', ann_file='h36m.npz', data_root=str(folder), seq_len=1, causal=True,
        data_prefix=dict(img='images/'),
        pipeline=[dict(type='GenerateTarget', encoder=codec),
                  dict(type='PackPoseInputs', meta_keys=keys)])


def _our_dataset(image: np.ndarray, poses: np.ndarray, stats: _Statistics) -> ArrayDataset:
    """The same samples, normalised at every fetch as mmpose does."""
    def normalise(batch: dict) -> dict:
        target = batch['keypoints'][:, 1:] - batch['keypoints'][:, :1]
        return dict(
            index=batch['index'],
            keypoints_2d=(batch['keypoints_2d'] - torch.as_tensor(stats.keypoints_mean)) /
            torch.as_tensor(stats.keypoints_std),
            keypoints=(target - torch.as_tensor(stats.target_mean)) /
            torch.as_tensor(stats.target_std))

    return ArrayDataset(dict(keypoints_2d=image, keypoints=poses),
                        pipeline=[normalise, dict(type='mmviewpose.PackLifting')])


def _loader(dataset, batch_size: int, ours: bool):
    special = dict(batch_sampler=dict(type='mmviewpose.ArrayBatchSampler'),
                   collate_fn=dict(type='mmviewpose.identity_collate')) if ours else {}
    return Runner.build_dataloader(dict(
        batch_size=batch_size, num_workers=0, dataset=dataset,
        sampler=dict(type='DefaultSampler', shuffle=True), **special), seed=0)


def _rate(loader, batches: int) -> float:
    """Samples a second over the first ``batches`` batches of an epoch."""
    start = time.perf_counter()
    for _ in itertools.islice(loader, batches):
        pass
    return batches * loader.batch_sampler.batch_size / (time.perf_counter() - start)


def _largest_difference(theirs, ours) -> float:
    """Between the first samples of both, in what a model sees."""
    samples = [theirs[number] for number in range(8)]
    batch = ours.__getitems__(list(range(8)))
    inputs = np.stack([sample['inputs'].numpy().reshape(-1, 2) for sample in samples])
    target = np.concatenate([sample['data_samples'].gt_instance_labels.lifting_target_label
                             for sample in samples])
    return max(float(np.abs(inputs - batch['inputs'].numpy()).max()),
               float(np.abs(target - batch['data_samples']['target'].numpy()).max()))


def run(count: int = 4 * 8192, rounds: int = 3, threads: int = 1, **_: object) -> Dict[str, float]:
    """Times loaders of both, in turns, shuffled, in the main process.

    Args:
        count: Samples in the data set.
        rounds: Measurements of each.
        threads: Threads of torch.

    Returns:
        For each batch size B: ``mmpose_B`` and ``ours_B``, samples a second, and ``ratio_B``;
        ``max_diff``, the largest difference between their samples and ours.
    """
    from mmpose.registry import DATASETS
    image, poses = _arrays(count)
    stats = _Statistics(image, poses)
    found = {}
    torch.set_num_threads(threads)
    with DefaultScope.overwrite_default_scope('mmpose'), \
            tempfile.TemporaryDirectory() as folder:
        theirs = _mmpose_dataset(image, poses, stats, Path(folder))
        ours = _our_dataset(image, poses, stats)
        found['max_diff'] = _largest_difference(DATASETS.build(theirs), ours)
        for size in BATCH_SIZES:
            loaders = _loader(theirs, size, False), _loader(ours, size, True)
            rates = {'mmpose': [], 'ours': []}
            for _ in range(rounds):
                rates['mmpose'].append(_rate(loaders[0], max(1, 4096 // size)))
                rates['ours'] += [_rate(loaders[1], count // size) for _ in range(5)]
            for name, values in rates.items():
                found[f'{name}_{size}'] = statistics.median(values)
            found[f'ratio_{size}'] = found[f'ours_{size}'] / found[f'mmpose_{size}']
    return found
