"""Scores of movements with a known, graded impairment from the frozen encoder of ``uvi``."""
from pathlib import Path
from typing import List

from .runs import Part, prepare_archives, row, run_parts
from .uvi import HELD_OUT, VIEWS, held_out, pretraining

CONFIG = 'uvi-gru-quality_mocap'
SCRATCH = 'uvi-gru-quality-scratch_mocap'
PAPER = {'frozen-cv': 54, 'frozen-cs': 58, 'scratch-cv': 52, 'scratch-cs': 60}


def scores(seed: int, encoder: Part = None) -> Part:
    """A classifier of scores trained on cameras 2 and 3; tested on camera 1 (``cv``), and on the
    same cameras' recordings of takes that do not train (``cs``)."""
    config = CONFIG if encoder else SCRATCH
    return Part(f'{config}/seed{seed}', config, {'randomness.seed': seed},
                {'cv': {}, 'cs': {HELD_OUT: held_out(config), VIEWS: [2, 3]}},
                encoder and encoder.name)


def run(data: Path, work_dir: Path, seeds: int, jobs: int) -> List[dict]:
    """A pretraining and a classifier of scores a seed."""
    prepare_archives(data, work_dir, ['bandai_namco'])
    encoders = [pretraining(seed) for seed in range(seeds)]
    parts = {'frozen': [scores(seed, encoder) for seed, encoder in enumerate(encoders)],
             'scratch': [scores(seed) for seed in range(seeds)]}
    results = run_parts(encoders + sum(parts.values(), []), work_dir, jobs)
    found = []
    for name, chosen in parts.items():
        for protocol in ('cv', 'cs'):
            metrics = [results[part.name]['metrics'][protocol] for part in chosen]
            for metric in sorted(metrics[0], key=lambda key: (key != 'rho', key)):
                ending = metric[len('rho'):].replace('/', '-')
                found.append(row(f'{name}-{protocol}{ending}', 'Spearman rho, %',
                                 [100 * values[metric] for values in metrics],
                                 PAPER.get(f'{name}-{protocol}') if not ending else None))
    return found
