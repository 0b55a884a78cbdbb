"""The multi-view consistency loss against the published formulation, forward + backward."""
import statistics
import time
from itertools import combinations
from typing import Callable, Dict, List

import numpy as np
import torch
from torch import Tensor

from mmviewpose.datasets.synthetic import synthetic_clips
from mmviewpose.functional import multiview_consistency
from mmviewpose.geometry import random_rotations, rotate

VIEWS = (2, 3, 4)


def published_form(pred: Tensor) -> Tensor:
    """Eq. 1 to 4 as published: for each pair of views a similarity of the whole batch through
    torch's SVD, and autograd through it. ``(B, V, T, K, 3)`` to ``(B,)``."""
    pairs = list(combinations(range(pred.shape[1]), 2))
    return sum(_pair(pred[:, a], pred[:, b]) for a, b in pairs) / len(pairs)


def _pair(source: Tensor, target: Tensor) -> Tensor:
    """Mean distance after alignment of ``(B, T, K, 3)`` to ``(B, T, K, 3)``: ``(B,)``."""
    over = (1, 2)
    source_mean, target_mean = source.mean(over, True), target.mean(over, True)
    centred, aim = (source - source_mean).flatten(1, 2), (target - target_mean).flatten(1, 2)
    u, s, vh = torch.linalg.svd(centred.transpose(1, 2) @ aim / centred.shape[1])
    sign = torch.ones_like(s)
    sign[:, 2] = torch.linalg.det(u @ vh).detach().sign()
    rotation = ((u * sign[:, None]) @ vh)[:, None]
    variance = source.var(over, correction=0).sum(1)
    scale = ((s * sign).sum(1) / variance)[:, None, None, None]
    offset = target_mean - scale * (source_mean @ rotation)
    return (scale * (source @ rotation) + offset - target).norm(dim=-1).mean(over)


def _predictions(size: int, num_views: int, num_frames: int, noise: float = 0.04) -> Tensor:
    """What a lifter says of people in several views, ``(B, V, T, K, 3)`` m, about their root."""
    clips = synthetic_clips(size, num_frames, seed=0)
    poses = torch.as_tensor(np.stack([clip.positions for clip in clips]), dtype=torch.float32)
    poses = (poses - poses[:, :, :1])[:, None] / 1000
    generator = torch.Generator().manual_seed(0)
    turns = random_rotations(size * num_views, generator=generator)
    scale = 0.9 + 0.2 * torch.rand(size, num_views, 1, 1, 1, generator=generator)
    seen = scale * rotate(poses, turns.view(size, num_views, 1, 3, 3))
    return seen + noise * torch.randn(seen.shape, generator=generator)


def _gradient(loss: Callable, pred: Tensor) -> Tensor:
    leaf = pred.detach().requires_grad_()
    loss(leaf).sum().backward()
    return leaf.grad


def _largest_error(pred: Tensor) -> float:
    """Relative error of the gradient of the sequence where it is largest, against float64."""
    expected = _gradient(published_form, pred.double()).flatten(1)
    found = _gradient(lambda poses: multiview_consistency(poses, reduction='none'), pred)
    error = (found.flatten(1) - expected).norm(dim=1) / expected.norm(dim=1)
    return error.max().item()


def _medians(pred: Tensor, rounds: int) -> Dict[str, float]:
    """Milliseconds of processor time of each form; they take turns, on one thread, so that what
    else the machine does matters little."""
    forms = {'published': (lambda poses: published_form(poses).mean(), 1),
             'ours': (multiview_consistency, 3)}
    times: Dict[str, List[float]] = {name: [] for name in forms}
    for turn in range(rounds + 1):
        for name, (loss, repeats) in forms.items():
            for _ in range(repeats):
                start = time.process_time()
                _gradient(loss, pred)
                if turn:
                    times[name].append(1e3 * (time.process_time() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def run(batch_size: int = 32, num_frames: int = 243, rounds: int = 25, **_: object
        ) -> Dict[str, float]:
    """Times forward + backward on predictions of 2, 3 and 4 views of synthetic people, in float32
    on one thread.

    Args:
        batch_size: Sequences.
        num_frames: Frames of each.
        rounds: Measurements of the published form, and a third of ours.

    Returns:
        For each number of views V: ``published_ms_vV``, ``ours_ms_vV`` and their quotient
        ``ratio_vV``; ``max_grad_rel_err``, the largest relative error of our gradient of a sequence
        against a float64 reference, over all V.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    found: Dict[str, float] = {}
    errors = []
    try:
        for num_views in VIEWS:
            pred = _predictions(batch_size, num_views, num_frames)
            medians = _medians(pred, rounds)
            found.update({f'{name}_ms_v{num_views}': value for name, value in medians.items()})
            found[f'ratio_v{num_views}'] = medians['published'] / medians['ours']
            errors.append(_largest_error(pred))
    finally:
        torch.set_num_threads(before)
    return dict(found, max_grad_rel_err=max(errors))
