"""PA-MPJPE against mmpose's loop over poses: medians of one run, and how far the values differ."""
import argparse
import json
import statistics
import time
from typing import Callable, Dict, List

import numpy as np
import torch

import mmviewpose.compat  # noqa: F401  (mmpose imports only with its stand-ins in place)
from mmviewpose.functional import pa_mpjpe
from mmviewpose.geometry import random_rotations, rotate


def _poses(num_poses: int, num_joints: int):
    """Bodies about as wide and deep as people are, some of them mirrored, and turned guesses."""
    generator = torch.Generator().manual_seed(0)
    options = dict(dtype=torch.float64, generator=generator)
    extent = torch.tensor([250., 500., 120.], dtype=torch.float64)
    target = torch.randn(num_poses, num_joints, 3, **options) * extent
    target = rotate(target, random_rotations(num_poses, **options))
    pred = 0.9 * target + 40 * torch.randn(num_poses, num_joints, 3, **options)
    pred = rotate(pred, random_rotations(num_poses, **options))
    pred[::10, :, 0] *= -1
    return pred, target + 1000 * torch.randn(num_poses, 1, 3, **options)


def _medians(forms: Dict[str, Callable], rounds: int, once: str) -> Dict[str, float]:
    """Median milliseconds; the forms take turns, so that a busy machine slows all alike.

    The form ``once`` runs once a round, the others, which are many times faster, five times.
    """
    times: Dict[str, List[float]] = {name: [] for name in forms}
    for _ in range(rounds):
        for name, form in forms.items():
            for _ in range(1 if name == once else 5):
                start = time.perf_counter()
                form()
                times[name].append(1e3 * (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def _largest_difference(errors: torch.Tensor, expected: np.ndarray) -> float:
    return float(np.abs(errors.numpy() / expected - 1).max())


def run(num_poses: int = 20000, num_joints: int = 17, compiled: bool = True, rounds: int = 7,
        threads: int = 1, **_: object) -> Dict[str, float]:
    """Times PA-MPJPE in float64 against ``mmpose.evaluation.functional.keypoint_mpjpe``.

    Args:
        num_poses: Poses.
        num_joints: Joints of a pose.
        compiled: Time ``torch.compile`` too (needs a C++ compiler; left out where it fails).
        rounds: Runs of mmpose's loop.
        threads: Threads of torch.

    Returns:
        ``mmpose_ms``, ``eager_ms``, ``float32_ms``, their ``ratio`` (mmpose / eager) and
        ``float32_ratio``; ``max_rel_diff``, the largest relative difference of a pose's error
        over all forms in float64; ``float32_rel_diff``, that of the mean in float32; with
        ``compiled`` also ``compiled_ms`` and ``compiled_ratio``.
    """
    from mmpose.evaluation.functional import keypoint_mpjpe
    from mmpose.evaluation.functional.mesh_eval import compute_similarity_transform

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        pred, target = _poses(num_poses, num_joints)
        single = pred.float(), target.float()
        arrays = pred.numpy(), target.numpy(), np.ones((num_poses, num_joints), dtype=bool)
        expected = np.array([
            np.linalg.norm(compute_similarity_transform(p, t) - t, axis=-1).mean()
            for p, t in zip(*arrays[:2])])
        difference = _largest_difference(pa_mpjpe(pred, target, reduction='sample'), expected)
        forms: Dict[str, Callable] = {
            'mmpose': lambda: keypoint_mpjpe(*arrays, alignment='procrustes'),
            'eager': lambda: pa_mpjpe(pred, target),
            'float32': lambda: pa_mpjpe(*single),
        }
        if compiled:
            torch._dynamo.reset()
            form = torch.compile(pa_mpjpe, dynamic=False)
            try:
                errors = form(pred, target, reduction='sample')
                form(pred, target)
                difference = max(difference, _largest_difference(errors, expected))
                forms['compiled'] = lambda: form(pred, target)
            except Exception as error:
                print(f'torch.compile does not work here: {type(error).__name__}')
        forms['eager'](), forms['float32']()
        medians = _medians(forms, rounds, once='mmpose')
        found = {f'{name}_ms': value for name, value in medians.items()}
        found.update(
            ratio=medians['mmpose'] / medians['eager'],
            float32_ratio=medians['mmpose'] / medians['float32'],
            max_rel_diff=difference,
            float32_rel_diff=abs(pa_mpjpe(*single).item() / expected.mean() - 1))
        if 'compiled' in medians:
            found['compiled_ratio'] = medians['mmpose'] / medians['compiled']
    finally:
        torch.set_num_threads(before)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--num-poses', type=int, default=20000)
    parser.add_argument('--num-joints', type=int, default=17)
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--no-compile', action='store_true')
    args = parser.parse_args()
    print(json.dumps(run(args.num_poses, args.num_joints, not args.no_compile, args.rounds),
                     indent=1))


if __name__ == '__main__':
    main()
