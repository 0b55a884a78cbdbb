"""How often depth comes out with the right sign where only knees and elbows tell it."""
from pathlib import Path
from typing import Any, Dict, List

from .partlift import errors, sign_of, training
from .runs import checkpoint_of, prepare_archives, row, run_parts

# Short trainings: how many of the study's ten epochs the sign needs to show.
EPOCHS = {'full': 6, 'leg-torso': 3}


def options(name: str) -> Dict[str, Any]:
    """Views that do not tell the sign by themselves, as published."""
    epochs = EPOCHS[name]
    return {'model.pitch': 0., 'model.depth_sign': 'anatomy', 'train_cfg.max_epochs': epochs,
            'train_cfg.val_interval': epochs, 'param_scheduler.begin': epochs // 2,
            'param_scheduler.end': epochs}


def turned_round(folder: Path) -> bool:
    """Whether a network's depths were negated, so that without anatomy they were mirrored."""
    from mmviewpose.models.weights import read_weights
    return bool((read_weights(str(checkpoint_of(folder)))['lifter.signs'] < 0).any())


def run(data: Path, work_dir: Path, seeds: int, jobs: int) -> List[dict]:
    """For the whole body and for legs and torso on their own: ``-right``, 1 for each seed whose
    depths have the right sign in body, legs and torso on both sources; ``-sign``, the smallest of
    these correlations; ``-turned``, 1 for each seed in which depths were negated; PA-MPJPE on CMU's
    subject 3 and, ``-reflect``, with reflection allowed. Trainings are short: 888 and 444 steps.
    """
    prepare_archives(data, work_dir, ['cmu', 'bandai_namco', 'h36m_cameras'])
    parts = {name: [training(name, seed, options(name), 'sign') for seed in range(seeds)]
             for name in EPOCHS}
    results = run_parts(sum(parts.values(), []), work_dir, jobs)
    rows = []
    for name, group in parts.items():
        signs = [sign_of(results[part.name]) for part in group]
        rows += [row(f'{name}-right', 'runs with the right sign', [float(v > 0) for v in signs]),
                 row(f'{name}-sign', 'smallest depth correlation %',
                     [100 * value for value in signs]),
                 row(f'{name}-turned', 'runs in which depths were negated',
                     [float(turned_round(work_dir / part.name)) for part in group]),
                 row(name, 'PA-MPJPE mm', errors(group, results, 'cmu')),
                 row(f'{name}-reflect', 'PA-MPJPE-reflect mm',
                     errors(group, results, 'cmu', 'PA-MPJPE-reflect'))]
    return rows
