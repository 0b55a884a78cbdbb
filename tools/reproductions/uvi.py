"""View-invariant posture from rendered motion capture: actions from a camera that nobody trained
on, and what of the camera is left in the pose."""
from pathlib import Path
from typing import Dict, List

from .runs import Part, config_of, draw_test, prepare_archives, row, run_parts

HELD_OUT = 'test_dataloader.dataset.sources'
VIEWS = 'test_dataloader.dataset.views'
ENDINGS = {'standard': '', 'unseen': '-unseen-takes', 'between': '-between'}
SCRATCH = 'uvi-gru-scratch_mocap'
CONFIGS = {'full': 'uvi_mocap', 'unbiased': 'uvi-unbiased_mocap'}
PAPER = {'full': 74.8, 'swap': 70.3, 'equivariance': 69.1, 'reconstruction': 35.6,
         'supervised': 77.0}


def pretraining(seed: int, config: str = 'uvi_mocap') -> Part:
    """An encoder trained on what cameras 2 and 3 saw, no label."""
    return Part(f'{config}/seed{seed}', config, {'randomness.seed': seed}, {'test': {}})


def actions(seed: int, encoder: Part = None, config: str = 'uvi-gru_mocap') -> Part:
    """A classifier trained on cameras 2 and 3, tested on camera 1: the takes it was trained on, as
    in NTU RGB+D's protocol, and others; and on camera 5, which stands between those that train."""
    name = f'{config}/{encoder.name.replace("/", "-") if encoder else "scratch"}-seed{seed}'
    return Part(name, config, {'randomness.seed': seed},
                {'standard': {}, 'unseen': {HELD_OUT: held_out(config)},
                 'between': {VIEWS: [5]}}, encoder and encoder.name)


def held_out(config: str) -> List[dict]:
    """The sources of a config's test with the takes that do not train."""
    sources = config_of(Part('', config), Path()).test_dataloader.dataset.sources
    return [dict(source, fold=dict(source['fold'], keep=[0])) for source in sources]


def chance(config: str, work_dir: Path) -> float:
    """Accuracy of naming the most frequent action, %."""
    import numpy as np

    from mmviewpose.datasets.datasets.archive_source import label_of, select_sequences
    dataset = config_of(Part('', config), work_dir).test_dataloader.dataset
    archive, rows = select_sequences(dataset.sources[0], dataset.data_root, None)
    counts = np.unique(label_of(archive, 'action')[rows], return_counts=True)[1]
    return 100 * counts.max() / counts.sum()


def accuracies(name: str, parts: List[Part], results: Dict[str, dict]) -> List[dict]:
    """A row for each of the tests."""
    return [row(f'{name}{ending}', 'accuracy %',
                [100 * results[part.name]['metrics'][test]['acc/top1'] for part in parts],
                PAPER.get(name) if test == 'standard' else None)
            for test, ending in ENDINGS.items()]


def leakage(name: str, parts: List[Part], results: Dict[str, dict]) -> List[dict]:
    """What the test of a training says of held-out takes, all in %: linear probes for the camera
    on poses and viewpoints, of all three cameras and of the two that trained, and silhouettes."""
    tests = [results[part.name]['metrics']['test'] for part in parts]
    return [row(f'{name}-{metric.replace("/", "-").replace("_", "-")}', unit,
                [scale * test[metric] for test in tests])
            for unit, scale, metrics in (
                ('accuracy %', 1, ('pose_probe', 'view_probe', 'pose_probe/seen',
                                   'view_probe/seen')),
                ('IoU %', 100, ('reconstruction_iou', 'swapped_iou')))
            for metric in metrics]


def run(data: Path, work_dir: Path, seeds: int, jobs: int) -> List[dict]:
    """A pretraining and a classifier a seed: ``full``, the paper's losses; ``unbiased``, with two
    additions of ours; and ``supervised``, without pretraining. Settings were chosen with camera 4
    and on takes of their own (docs/methods/uvi.md)."""
    prepare_archives(data, work_dir, ['bandai_namco'])
    encoders = {name: [pretraining(seed, config) for seed in range(seeds)]
                for name, config in CONFIGS.items()}
    classifiers = {name: [actions(seed, encoder) for seed, encoder in enumerate(parts)]
                   for name, parts in encoders.items()}
    classifiers['supervised'] = [actions(seed, None, SCRATCH) for seed in range(seeds)]
    results = run_parts(sum([*encoders.values(), *classifiers.values()], []), work_dir, jobs)
    found = [entry for name, parts in classifiers.items()
             for entry in accuracies(name, parts, results)]
    found.append(row('chance', 'accuracy %', [chance('uvi-gru_mocap', work_dir)]))
    return found + [entry for name, parts in encoders.items()
                    for entry in leakage(name, parts, results)]


def draw(rows: List[dict], folder: Path) -> Path:
    """Pictures of the first training's test: ``views.png``, ``turning.png``, ``embedding.png``."""
    pictures = folder / 'uvi'
    draw_test(pretraining(0), folder, pictures)
    return pictures / 'views.png'
