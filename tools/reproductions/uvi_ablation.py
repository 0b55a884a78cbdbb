"""The rows of the paper's Table 5 on rendered motion capture: which losses make a pose's features
good for a camera that nobody trained on."""
from pathlib import Path
from typing import List

from .runs import prepare_archives, run_parts
from .uvi import SCRATCH, accuracies, actions, pretraining

ROWS = {'reconstruction': 'uvi-reconstruction_mocap', 'equivariance': 'uvi-equivariance_mocap',
        'swap': 'uvi-swap_mocap', 'full': 'uvi_mocap'}


def run(data: Path, work_dir: Path, seeds: int, jobs: int) -> List[dict]:
    """A pretraining and a classifier a seed for each row, and a classifier without pretraining."""
    prepare_archives(data, work_dir, ['bandai_namco'])
    encoders, classifiers = [], {}
    for name, config in ROWS.items():
        pretrained = [pretraining(seed, config) for seed in range(seeds)]
        encoders += pretrained
        classifiers[name] = [actions(seed, encoder) for seed, encoder in enumerate(pretrained)]
    supervised = [actions(seed, None, SCRATCH) for seed in range(seeds)]
    results = run_parts(encoders + supervised + sum(classifiers.values(), []), work_dir, jobs)
    return [entry for name, parts in {**classifiers, 'supervised': supervised}.items()
            for entry in accuracies(name, parts, results)]
