"""Denoising of motion capture: people and takes that training never saw."""
from pathlib import Path
from typing import List

from .runs import Part, prepare_archives, row, run_parts

PAPER = 33.39  # Sec. 4.2, on APE
# Row: (config, MPJPE in the paper's Table 1, on APE)
STRUCTURES = {
    'leaf-to-root': ('sebirenet-mlp-leaf-to-root_mocap', 65.76),
    'root-to-leaf': ('sebirenet-mlp-root-to-leaf_mocap', 64.94),
    'concatenated': ('sebirenet-mlp-concatenated_mocap', 75.17),
    'sebirenet': ('sebirenet-mlp_mocap', 42.03),
    'recurrent': ('sebirenet-mlp-recurrent_mocap', 41.58),
}
PEOPLE = {
    'cmu3': dict(ann_file='cmu.npz', select=dict(subject=[3])),
    'bandai-namco': dict(ann_file='bandai_namco.npz', fold=dict(count=7, keep=[0])),
}
CORRUPT = dict(type='CorruptJoints', num_joints=(1, 5), distance=(200., 600.))
ORIENTATIONS = {'native': [CORRUPT],
                'random': [dict(type='RotatePoses', mode='so3'), CORRUPT]}
ERROR = dict(type='PoseErrorMetric', modes=('mpjpe', ), group_by='num_moved')


def tests() -> dict:
    """Each held-out set in its own orientation and in a random one."""
    evaluator = [ERROR, dict(ERROR, pred_key='input', prefix='input')]
    return {f'{people}-{orientation}': {
        'test_dataloader.dataset.sources': [source],
        'test_dataloader.dataset.prepare': prepare,
        'test_evaluator': evaluator,
    } for people, source in PEOPLE.items() for orientation, prepare in ORIENTATIONS.items()}


def run(data: Path, work_dir: Path, seeds: int, jobs: int) -> List[dict]:
    """Rows ``full``, by held-out set, orientation and number of moved joints, ``input`` beside
    them, and one a structure of Table 1 (three dense layers as decoder, one branch, native
    orientation). 1 to 5 joints are moved 0.2 to 0.6 m; poses stand on the input's own root."""
    prepare_archives(data, work_dir, ['cmu', 'bandai_namco'])

    def trainings(config: str) -> List[Part]:
        return [Part(f'{config}/seed{seed}', config, {'randomness.seed': seed}, tests())
                for seed in range(seeds)]

    full = trainings('sebirenet-denoise_mocap')
    structures = {name: trainings(config) for name, (config, _) in STRUCTURES.items()}
    results = run_parts(full + sum(structures.values(), []), work_dir, jobs)

    def errors(parts: List[Part], test: str, metric: str = 'MPJPE') -> List[float]:
        return [results[part.name]['metrics'][test][metric] for part in parts]

    rows = []
    for test in tests():
        rows.append(row(f'input-{test}', 'MPJPE mm', errors(full[:1], test, 'input/MPJPE')))
        rows.append(row(f'full-{test}', 'MPJPE mm', errors(full, test), PAPER))
        rows += [row(f'full-{test}-{count}-moved', 'MPJPE mm',
                     errors(full, test, f'MPJPE/num_moved={count}')) for count in range(1, 6)]
    return rows + [row(f'{name}-{people}', 'MPJPE mm', errors(parts, f'{people}-native'),
                       STRUCTURES[name][1])
                   for name, parts in structures.items() for people in PEOPLE]
