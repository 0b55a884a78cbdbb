"""A lifter for people whom nobody labelled: two cameras instead of 3D."""
from pathlib import Path
from typing import Dict, List, Mapping, Optional

from .runs import ROOT, Part, checkpoint_of, config_of, prepare_archives, row, run_parts

# The paper's Table 1, on SportsPose: MPJPE and PA-MPJPE.
PAPER = {'none': (77.1, 44.1), 'reprojection': (64.4, 45.0), 'consistency': (36.2, 22.8)}
CONFIGS = {'reprojection': 'twoviews-ft2d-reprojection_mocap',
           'consistency': 'twoviews-ft2d_mocap'}
METRICS = {'': 'MPJPE', '-n': 'N-MPJPE', '-pa': 'PA-MPJPE', '-velocity': 'MPJVE'}
TARGET = [dict(ann_file='bandai_namco.npz', fold=dict(count=7, keep=[0]))]
SOURCE = 'twoviews-pretrain_mocap'


def pretraining(seed: int) -> Part:
    """3D of CMU; tested as it is on the target takes, and on the person of CMU held out."""
    return Part(f'{SOURCE}/seed{seed}', SOURCE, {'randomness.seed': seed},
                {'target': {'test_dataloader.dataset.sources': TARGET}, 'source': {}})


def training(name: str, seed: int, config: str, options: Optional[Mapping] = None,
             fine_tuned: bool = True) -> Part:
    """A training on the target's training takes, from the pretraining of the same seed or from
    scratch."""
    return Part(f'{config}/{name}/seed{seed}', config,
                {'randomness.seed': seed, **(options or {})}, {'target': {}},
                pretraining(seed).name if fine_tuned else None)


def rows_of(name: str, parts: List[Part], results: Dict[str, dict]) -> List[dict]:
    """A row a metric."""
    paper = dict(zip(('', '-pa'), PAPER.get(name, ())))
    return [row(f'{name}{suffix}', f'{metric} mm',
                [results[part.name]['metrics']['target'][metric] for part in parts],
                paper.get(suffix))
            for suffix, metric in METRICS.items()]


def draw(rows: List[dict], folder: Path) -> Path:
    """What the lifters of the first seed make of the liveliest clip of the held-out takes (like the
    paper's Fig. 3)."""
    import torch
    from mmengine.registry import init_default_scope

    from mmviewpose.apis import load_lifter
    from mmviewpose.engine.hooks.lifting_picture_hook import liveliest_window
    from mmviewpose.registry import DATASETS
    from mmviewpose.visualization import Seen, animate_lifting, lifting_figure
    init_default_scope('mmviewpose')
    parts = {'not fine-tuned': pretraining(0),
             **{name: training(name, 0, config) for name, config in CONFIGS.items()}}
    part = parts['consistency']
    dataset = DATASETS.build(config_of(part, folder, part.tests['target']).test_dataloader.dataset)
    batch = dataset.__getitems__(range(len(dataset)))
    poses = {}
    for name, part in parts.items():
        model = load_lifter(ROOT / 'configs' / 'viewpose' / f'{part.config}.py',
                            checkpoint_of(folder / part.name)).model
        with torch.no_grad():
            found = liveliest_window(model.test_step(batch)[0])
        poses[name] = found['keypoints'].numpy()
    shown = dict(target=found['target'].numpy(), frame_mask=found['frame_mask'].numpy(),
                 seen=Seen(found['keypoints_2d'].numpy(), found['scores'].numpy()), fps=30.)
    animate_lifting(poses['consistency'], path=folder / 'twoviews-clip.gif', **shown)
    return lifting_figure(poses, path=folder / 'twoviews-clip.png', **shown)


def run(data: Path, work_dir: Path, seeds: int, jobs: int) -> List[dict]:
    """Rows ``none`` (trained with 3D on CMU, not fine-tuned), ``reprojection`` (Eq. 7, at its own
    best learning rate) and ``consistency`` (Eq. 8, two views 90 degrees apart): MPJPE on held-out
    takes of Bandai-Namco, noisy detections, seen by cameras that did not film the training takes.
    With ``-n``, ``-pa`` and ``-velocity`` the other metrics. Each seed has its own pretraining;
    everything was chosen on other takes, those of the configs' validation.
    """
    prepare_archives(data, work_dir, ['cmu', 'bandai_namco', 'h36m_cameras'])
    parts = {'none': [pretraining(seed) for seed in range(seeds)]}
    parts.update({name: [training(name, seed, config) for seed in range(seeds)]
                  for name, config in CONFIGS.items()})
    results = run_parts(sum(parts.values(), []), work_dir, jobs)
    return [entry for name in parts for entry in rows_of(name, parts[name], results)]
