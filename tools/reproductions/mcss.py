"""Poses of people whom nobody labelled, from the labels of one person and many views."""
from pathlib import Path
from typing import Dict, List

from .runs import Part, build_dataset, draw_test, prepare_archives, row, run_parts

VIEWS = 'test_dataloader.dataset.views'
METRICS = {'': 'N-MPJPE', '-mpjpe': 'MPJPE', '-pa': 'PA-MPJPE'}
# Table 1, Human3.6M with the labels of S1, and of all: N-MPJPE, MPJPE, PA-MPJPE; Table 3, view 4
PAPER = {'mcss': (111.94, 120.95, 90.76), 'baseline': (149.28, 154.78, 113.69),
         'all-labels': (92.60, 94.25, 72.48),
         'mcss-v1234': (111.7, None, 91.9), 'mcss-v123': (112.4, None, 92.1),
         'mcss-v12': (116.6, None, 95.1), 'baseline-v12': (159.4, None, 122.5)}
CONFIGS = {'mcss': 'mcss_mocap', 'baseline': 'mcss-baseline_mocap', 'all-labels': 'mcss_mocap-all',
           'mcss-v123': 'mcss_mocap-v123', 'mcss-v12': 'mcss_mocap-v12',
           'baseline-v12': 'mcss-baseline_mocap-v12'}


def training(config: str, seed: int) -> Part:
    """A training on people 1 to 11, tested on people 15 to 20; that of all cameras' labels of
    person 1 also on what camera 4 saw alone."""
    tests = {'test': {}}
    if config == CONFIGS['mcss']:
        tests['view4'] = {VIEWS: [4], 'test_evaluator': [
            dict(type='PoseErrorMetric', modes=('mpjpe', 'n-mpjpe', 'pa-mpjpe'))]}
    return Part(f'{config}/seed{seed}', config, {'randomness.seed': seed}, tests)


def rows_of(name: str, parts: List[Part], results: Dict[str, dict], test: str = 'test'
            ) -> List[dict]:
    """A row a metric."""
    paper = dict(zip(METRICS, PAPER.get(name, (None, None, None))))
    return [row(f'{name}{suffix}', f'{metric} mm',
                [results[part.name]['metrics'][test][metric] for part in parts], paper[suffix])
            for suffix, metric in METRICS.items()]


def mean_pose(work_dir: Path) -> Dict[str, float]:
    """Errors of naming the mean of the labelled poses, whatever the image, in mm."""
    from mmviewpose.functional import mpjpe, n_mpjpe, pa_mpjpe
    mean, _ = build_dataset(CONFIGS['mcss'], work_dir, 'train').pose_statistics()
    dataset = build_dataset(CONFIGS['mcss'], work_dir)
    target = dataset.__getitems__(range(len(dataset)))['data_samples']['pose']
    errors = zip(METRICS.values(), (n_mpjpe, mpjpe, pa_mpjpe))
    return {name: float(error(mean.expand_as(target), target)) for name, error in errors}


def run(data: Path, work_dir: Path, seeds: int, jobs: int) -> List[dict]:
    """With the labels of person 1 of eleven: ``mcss``, all people's views beside them,
    ``baseline``, the labels alone, ``all-labels``, those of all eleven, and ``mean-pose``, that of
    person 1's labels for every image. Table 3: labels of cameras 1 to 3 (``mcss-v123``) or 1 and 2
    (``mcss-v12``), tested on camera 4, and ``mcss-v1234``, labels of all, on the same.
    Settings were chosen on people 12 to 14."""
    prepare_archives(data, work_dir, ['bandai_namco'])
    parts = {name: [training(config, seed) for seed in range(seeds)]
             for name, config in CONFIGS.items()}
    results = run_parts(sum(parts.values(), []), work_dir, jobs)
    found = [entry for name, some in parts.items() for entry in rows_of(name, some, results)]
    found += rows_of('mcss-v1234', parts['mcss'], results, 'view4')
    errors = mean_pose(work_dir)
    return found + [row(f'mean-pose{suffix}', f'{metric} mm', [errors[metric]])
                    for suffix, metric in METRICS.items()]


def draw(rows: List[dict], folder: Path) -> Path:
    """What the first seed makes of the test: ``poses.png``, ``embedding.png``."""
    pictures = folder / 'mcss'
    draw_test(training(CONFIGS['mcss'], 0), folder, pictures)
    return pictures / 'poses.png'
