"""When legs and torso are better lifted on their own: size, batch, normalisation, optimizer, data.
"""
from pathlib import Path
from typing import Any, Dict, List

from .partlift import TESTS, errors, training
from .runs import prepare_archives, row, run_parts

TRAIN = 'train_dataloader.dataset'
PHOTOGRAPHS = (f'{TRAIN}.pipeline.1', 'val_dataloader.dataset.prepare.0',
               'test_dataloader.dataset.prepare.0')


def width(value: int) -> Dict[str, Any]:
    """Channels of both networks."""
    return {'model.lifter.width': value, 'model.critic.width': value}


def epochs(value: int) -> Dict[str, Any]:
    """Length of the training, half of it at a constant rate."""
    return {'train_cfg.max_epochs': value, 'train_cfg.val_interval': max(1, value // 10),
            'param_scheduler.begin': value // 2, 'param_scheduler.end': value}


def adam(beta1: float) -> Dict[str, Any]:
    """The paper's optimizer, at the rate that suits a short training."""
    return {f'optim_wrapper.{part}.optimizer': dict(type='Adam', lr=1e-3, betas=(beta1, 0.999),
                                                    _delete_=True) for part in ('lifter', 'critic')}


def norm(kind: str) -> Dict[str, Any]:
    """Normalisation in both networks."""
    return {'model.lifter.norm': kind, 'model.critic.norm': kind}


# Row: options; base is the training of ``partlift``; all have about its 1,480 steps.
VARIANTS: Dict[str, Dict[str, Any]] = {
    'base': {},
    'perspective': {'model.projection': 'perspective',
                    **{f'{place}.projection': 'perspective' for place in PHOTOGRAPHS}},
    'level': {'model.pitch': 0., 'model.depth_sign': 'anatomy'},
    'width-64': width(64),
    'batch-512': {'train_dataloader.batch_size': 512, **epochs(20)},
    'affine': norm('affine'),
    'batch-norm': norm('batch'),
    'adam-0.5': adam(0.5),
    'adam-0.9': adam(0.9),
    'cmu-alone': {f'{TRAIN}.sources': [
        dict(ann_file='cmu.npz', drop=dict(subject=[3]),
             fold=dict(count=7, keep=[0, 1, 2, 4, 5, 6]))], **epochs(26)},
}

# Seeds at least, where the answer hangs on them.
FEWEST = {'base': 5, 'cmu-alone': 3}


def run(data: Path, work_dir: Path, seeds: int, jobs: int) -> List[dict]:
    """Rows ``full-VARIANT`` and ``leg-torso-VARIANT`` as in ``partlift``, and ``gain-VARIANT``: how
    much less the second's error is, in percent, a value a seed (paper: 17 of its Table 1). Five
    seeds of ``base`` and three of ``cmu-alone`` at least."""
    prepare_archives(data, work_dir, ['cmu', 'bandai_namco', 'h36m_cameras'])
    parts = {(variant, name): [
        training(name, seed, options, 'study' if variant == 'base' else f'study-{variant}')
        for seed in range(max(seeds, FEWEST.get(variant, 1)))]
        for variant, options in VARIANTS.items() for name in ('full', 'leg-torso')}
    results = run_parts(sum(parts.values(), []), work_dir, jobs)
    rows = []
    for variant in VARIANTS:
        for suffix, test in TESTS.items():
            full, split = (errors(parts[variant, name], results, test)
                           for name in ('full', 'leg-torso'))
            rows += [row(f'full-{variant}{suffix}', 'PA-MPJPE mm', full),
                     row(f'leg-torso-{variant}{suffix}', 'PA-MPJPE mm', split),
                     row(f'gain-{variant}{suffix}', 'gain %',
                         [100 * (1 - ours / theirs) for theirs, ours in zip(full, split)])]
    return rows
