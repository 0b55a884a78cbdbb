"""What the gain of two views depends on: their number, their angle, the weight, the noise."""
from pathlib import Path
from typing import Any, Dict, List

from .runs import prepare_archives, run_parts
from .twoviews import CONFIGS, pretraining, rows_of, training

# names of the transforms in the configs' pipelines
CAMERA, NOISE = 'train_dataloader.dataset.pipeline.0', 'train_dataloader.dataset.pipeline.1'
CLEAN = dict(noise=0., drift=0., drop=0.)


def views(count: int) -> Dict[str, Any]:
    """``count`` cameras, at 0, 90, 45 and 135 degrees."""
    return {'model.consistency.num_views': count, 'train_dataloader.batch_sampler.num_views': count,
            'train_dataloader.dataset.num_views': count, 'train_dataloader.batch_size': 96}


def clean() -> Dict[str, Any]:
    """Exact key points, in training and in test."""
    return {f'{place}.{key}': value for key, value in CLEAN.items()
            for place in (NOISE, 'test_dataloader.dataset.prepare.1')}


# Row: (config, options, whether it starts from the pretraining)
VARIANTS = {
    'reprojection': (CONFIGS['reprojection'], {}),
    'consistency': (CONFIGS['consistency'], {}),
    'three-views': (CONFIGS['consistency'], views(3)),
    'four-views': (CONFIGS['consistency'], views(4)),
    **{f'angle-{angle}': (CONFIGS['consistency'], {f'{CAMERA}.angles': [0., float(angle)]})
       for angle in (45, 135, 180)},
    **{f'weight-{weight:g}': (CONFIGS['consistency'], {'model.consistency.loss_weight': weight})
       for weight in (0.1, 1.)},
    'per-frame': (CONFIGS['consistency'], {'model.consistency.per_frame': True}),
    'moving-cameras': ('twoviews-ft2d-moving_mocap', {}),
    'clean-reprojection': (CONFIGS['reprojection'], clean()),
    'clean-consistency': (CONFIGS['consistency'], clean()),
    'with-3d': ('twoviews-ft3d_mocap', {}),
    'semi-supervised': ('twoviews_mocap', {}, False),
}


def draw(rows: List[dict], folder: Path) -> Path:
    """Error against the number of views."""
    from mmviewpose.visualization import views_chart
    counts = {'reprojection': 1, 'consistency': 2, 'three-views': 3, 'four-views': 4}
    chosen = [dict(entry, views=counts[name]) for entry in rows for name in counts
              if entry['name'] in (name, f'{name}-pa')]
    return views_chart(chosen, folder / 'twoviews-number-of-views.png')


def run(data: Path, work_dir: Path, seeds: int, jobs: int) -> List[dict]:
    """Rows as in ``twoviews``: ``reprojection``, ``consistency`` (two views), three and four views;
    two views at other angles than 90 degrees; other weights of the loss than 0.3; an alignment a
    frame, with fixed and with moving cameras; exact key points, also in the test; fine-tuning
    with 3D; training from scratch with 3D of CMU alone."""
    prepare_archives(data, work_dir, ['cmu', 'bandai_namco', 'h36m_cameras'])
    parts = {name: [training(name, seed, *variant) for seed in range(seeds)]
             for name, variant in VARIANTS.items()}
    starts = [pretraining(seed) for seed in range(seeds)]
    results = run_parts(starts + sum(parts.values(), []), work_dir, jobs)
    return [entry for name in parts for entry in rows_of(name, parts[name], results)]
