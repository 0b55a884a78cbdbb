"""Five ways to lift a 2D pose part by part, without 3D labels."""
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence

from .runs import Part, checkpoint_of, config_of, prepare_archives, row, run_parts

# The paper's Table 1, MPJPE after rigid alignment on Human3.6M; Martinez et al. for supervised.
PAPER = {'full': 50.0, 'leg-torso': 41.7, 'leg-torso-combine': 46.8, 'limbs': 102.2,
         'limbs-combine': 45.5, 'supervised': 47.7}
# Suffix of the row: test
TESTS = {'': 'cmu', '-bandai': 'bandai'}
SOURCES = {'bandai': [dict(ann_file='bandai_namco.npz', fold=dict(count=7, keep=[0]))]}
CORRELATIONS = ('depth-correlation', 'depth-correlation/legs', 'depth-correlation/torso')


def training(name: str, seed: int, options: Optional[Mapping] = None, label: str = 'study') -> Part:
    """A training of a representation, tested on CMU's unseen person and on Bandai-Namco's held-out
    takes; the last step's running means of the weights, none chosen."""
    config = f'partlift-{name}_mocap'
    tests = {'cmu': {}, **{test: {'test_dataloader.dataset.sources': sources}
                           for test, sources in SOURCES.items()}}
    return Part(f'{config}/{label}/seed{seed}', config,
                {'randomness.seed': seed, **(options or {})}, tests, validate=True)


def errors(parts: Sequence[Part], results: Dict[str, dict], test: str,
           metric: str = 'PA-MPJPE') -> List[float]:
    """A metric of a test, a value a seed."""
    return [results[part.name]['metrics'][test][metric] for part in parts]


def sign_of(result: dict) -> float:
    """The smallest correlation of predicted and true depths, over the body, its parts and both
    tests: above 0 all signs are right."""
    return min(values[name] for values in result['metrics'].values() for name in CORRELATIONS)


def rows_of(name: str, parts: Sequence[Part], results: Dict[str, dict],
            paper: Optional[float] = None) -> List[dict]:
    """Error on both sources, and with reflection allowed; the sign of depth."""
    found = [row(f'{name}{suffix}', 'PA-MPJPE mm', errors(parts, results, test),
                 paper if not suffix else None) for suffix, test in TESTS.items()]
    found.append(row(f'{name}-reflect', 'PA-MPJPE-reflect mm',
                     errors(parts, results, 'cmu', 'PA-MPJPE-reflect')))
    found.append(row(f'{name}-sign', 'smallest depth correlation %',
                     [100 * sign_of(results[part.name]) for part in parts]))
    return found


def draw(rows: List[dict], folder: Path) -> Path:
    """The validation error of each epoch over the seeds (the paper's Fig. 4), and poses that the
    lifters of the first seed lift."""
    import torch
    from mmengine.registry import init_default_scope

    from mmviewpose.registry import DATASETS
    from mmviewpose.visualization import lifted_poses_figure, read_seeds, stability_figure
    init_default_scope('mmviewpose')
    seeds = len(rows[0]['seeds'])
    names = [name for name in PAPER if name != 'limbs']
    runs = {name: read_seeds([folder / training(name, seed).name for seed in range(seeds)])
            for name in PAPER}
    stability_figure(runs, folder / 'partlift-stability.png')
    part = training('full', 0)
    dataset = DATASETS.build(config_of(part, folder).test_dataloader.dataset)
    batch = dataset.__getitems__(torch.linspace(0, len(dataset) - 1, 8).long())
    poses = {}
    for name in names:
        found = load_model(training(name, 0), folder).test_step(batch)[0]
        poses[name] = found['keypoints'].detach().numpy()
    return lifted_poses_figure(poses, found['target'].numpy(), batch['inputs'].numpy(),
                               folder / 'partlift-poses.png')


def load_model(part: Part, folder: Path):
    """The lifter that a part trained, in evaluation mode."""
    from mmviewpose.models.weights import load_part
    from mmviewpose.registry import MODELS
    model = MODELS.build(config_of(part, folder).model)
    load_part(model, str(checkpoint_of(folder / part.name)))
    return model.eval()


def run(data: Path, work_dir: Path, seeds: int, jobs: int) -> List[dict]:
    """Rows ``full``, ``leg-torso``, ``leg-torso-combine``, ``limbs``, ``limbs-combine`` (2D alone),
    ``supervised`` (the same network with 3D) and ``flat`` (depth 0): PA-MPJPE, reflection
    forbidden, of CMU's subject 3, whom no training saw, through cameras that none saw; with
    ``-bandai`` on held-out takes of Bandai-Namco. ``-sign``: the smallest correlation of found and
    true depths, over body, legs, torso and both tests."""
    prepare_archives(data, work_dir, ['cmu', 'bandai_namco', 'h36m_cameras'])
    parts = {name: [training(name, seed) for seed in range(seeds)] for name in PAPER}
    # a seed of all at a time: what is finished can be compared
    results = run_parts([entry for group in zip(*parts.values()) for entry in group], work_dir,
                        jobs)
    rows = [entry for name in parts for entry in rows_of(name, parts[name], results, PAPER[name])]
    return rows + [row(f'flat{suffix}', 'PA-MPJPE mm',
                       errors(parts['full'][:1], results, test, 'flat/PA-MPJPE'))
                   for suffix, test in TESTS.items()]
