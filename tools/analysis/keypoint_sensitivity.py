#!/usr/bin/env python
"""Which predicted depths a lifter makes depend on which 2D key points (part_lifting, Sec. 5).

    python tools/analysis/keypoint_sensitivity.py \\
        full=configs/viewpose/partlift-full_mocap.py:work_dirs/full/epoch_20.pth \\
        leg-torso=configs/viewpose/partlift-leg-torso_mocap.py:work_dirs/leg-torso/epoch_20.pth \\
        --out work_dirs/sensitivity --changed left_elbow --seen right_ankle left_elbow

Each 2D key point in turn is scaled about the root, from -95 % to 105 % in steps of 1 %; the others
stay. Written are heatmap.png (mean change of each depth, a panel a model), curves.png (the paper's
Fig. 2 and 3) and sensitivity.json. Changes are in % of the largest absolute 2D coordinate of the
pose. Across independent parts they are exactly 0.
"""
import argparse
import sys
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple


class Loaded(NamedTuple):
    """A model and the poses that it is looked at with.

    Attributes:
        config, checkpoint: Files.
        model: In evaluation mode.
        joints: Names of the J lifted joints.
        parts: Positions among the J by part.
        points: Normalised 2D poses, ``(B, J, 2)``.
    """
    config: str
    checkpoint: str
    model: Any
    joints: List[str]
    parts: Dict[str, Tuple[int, ...]]
    points: Any


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Parse the command line."""
    from mmengine.config import DictAction
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('models', nargs='+', metavar='NAME=CONFIG:CHECKPOINT')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder to write to')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
                        help='override entries of every config')
    parser.add_argument('--poses', type=int, default=2000, help='at most so many, evenly from the '
                        'split (default %(default)s)')
    parser.add_argument('--split', choices=['test', 'val'], default='test')
    parser.add_argument('--changed', default='left_elbow', metavar='JOINT',
                        help='key point that the curves scale (default %(default)s)')
    parser.add_argument('--seen', nargs='+', default=['right_ankle', 'left_elbow'],
                        metavar='JOINT', help='depths that the curves show (default: '
                        'right_ankle left_elbow)')
    parser.add_argument('--seed', type=int, default=0, help='of what is random in the data')
    args = parser.parse_args(argv)
    if args.poses < 1:
        parser.error('--poses must be at least 1')
    return args


def named_models(entries: Sequence[str]) -> Dict[str, Tuple[str, str]]:
    """(config, checkpoint) by name, of ``NAME=CONFIG:CHECKPOINT``.

    Raises:
        UserError: Another form, or a name twice.
    """
    from mmviewpose.errors import UserError
    found: Dict[str, Tuple[str, str]] = {}
    for entry in entries:
        name, _, files = entry.partition('=')
        config, _, checkpoint = files.partition('.py:')
        if not (name and config and checkpoint):
            raise UserError(f'{entry!r} is not NAME=CONFIG.py:CHECKPOINT')
        if name in found:
            raise UserError(f'two models are called {name!r}')
        found[name] = f'{config}.py', checkpoint
    return found


def load(config: str, checkpoint: str, args: argparse.Namespace) -> Loaded:
    """A model with its weights, and its poses.

    Raises:
        UserError, DatasetError: A file is missing or wrong, or it is no lifter of parts.
    """
    import torch
    from mmengine.device import get_device

    from mmviewpose.engine.runner import check_data, load_config
    from mmviewpose.errors import UserError
    from mmviewpose.models.weights import load_part
    from mmviewpose.registry import MODELS
    cfg = load_config(config, args.cfg_options)
    check_data(cfg, f'{args.split}_dataloader')
    torch.manual_seed(args.seed)
    model = MODELS.build(cfg.model)
    missing = [name for name in ('normalise', 'lift', 'joints', 'parts', 'skeleton')
               if not hasattr(model, name)]
    if missing:
        raise UserError(f'{config}: {type(model).__name__} does not lift 2D poses by parts (it has '
                        f'no {missing[0]})')
    load_part(model, checkpoint)
    model = model.to(get_device()).eval()
    with torch.no_grad():
        points, _ = model.normalise(poses(cfg, args).to(get_device()))
    return Loaded(config, checkpoint, model, [model.skeleton.joints[i] for i in model.joints],
                  {name: tuple(part) for name, part in model.parts.items()}, points)


def poses(cfg: Mapping[str, Any], args: argparse.Namespace):
    """2D poses ``(B, K, 2)``, evenly from a split's dataset.

    Raises:
        UserError: The config has no such split, or its dataset does not give batches.
    """
    import torch

    from mmviewpose.errors import UserError
    from mmviewpose.registry import DATASETS
    loader = cfg.get(f'{args.split}_dataloader')
    if not loader:
        raise UserError(f"config: there is no '{args.split}_dataloader'")
    torch.manual_seed(args.seed)
    dataset = DATASETS.build(loader['dataset'])
    if not hasattr(dataset, '__getitems__'):
        raise UserError(f'config: {type(dataset).__name__} does not give whole batches')
    count = min(args.poses, len(dataset))
    return dataset.__getitems__(torch.arange(count) * len(dataset) // count)['inputs']


def measure(models: Mapping[str, Loaded]) -> dict:
    """The sensitivity of each model, on the CPU."""
    from tqdm import tqdm

    from mmviewpose.functional.sensitivity import (KeypointSensitivity, keypoint_sensitivity,
                                                   paper_factors)
    factors = paper_factors()
    found = {}
    for name, loaded in models.items():
        total = len(factors) * len(loaded.joints) * len(loaded.points)
        with tqdm(total=total, desc=name, unit=' poses', unit_scale=True, delay=2.) as bar:
            changes = keypoint_sensitivity(loaded.model.lift, loaded.points, factors,
                                           report=bar.update)
        found[name] = KeypointSensitivity(*(values.cpu() for values in changes))
    return found


def partitions(models: Mapping[str, Loaded], skeleton: Any) -> Dict[str, dict]:
    """Partitions to compare all models by: those of the models that are split, else legs and torso.

    Returns:
        By their part names, joined with slashes.
    """
    from mmviewpose.skeletons import partition
    found = {'/'.join(loaded.parts): loaded.parts for loaded in models.values()
             if len(loaded.parts) > 1}
    if not found:
        joints = next(iter(models.values())).joints
        left_out = [i for i, joint in enumerate(skeleton.joints) if joint not in joints]
        try:
            halves = partition(skeleton, 'leg-torso', left_out)
        except ValueError:  # a body without the one or the other
            return found
        found['legs/torso'] = {name: tuple(joints.index(skeleton.joints[i]) for i in part)
                               for name, part in halves.items()}
    return found


def summary(found: Mapping[str, Any], by: Mapping[str, dict]) -> Dict[str, Dict[str, dict]]:
    """Means within and across the parts of each partition, of each model, in %."""
    from mmviewpose.functional.sensitivity import block_means
    return {name: {parts_name: dict(zip(('within', 'across'),
                                        block_means(100 * changes.matrix, parts)))
                   for parts_name, parts in by.items()}
            for name, changes in found.items()}


def table(means: Mapping[str, Mapping[str, dict]]) -> str:
    """A line a model and partition."""
    width = max(map(len, [*means, 'model']))
    lines = ['mean |change| of depth, % of the largest 2D coordinate',
             f'{"model":<{width}}  within     across  parts']
    for name, entry in means.items():
        for parts, values in entry.items():
            across = '0 exactly' if values['across'] == 0 else f'{values["across"]:.3f}'
            lines.append(f'{name:<{width}}  {values["within"]:>6.3f}  {across:>9}  {parts}')
    return '\n'.join(lines)


def check_joints(models: Mapping[str, Loaded], names: Sequence[str]) -> List[str]:
    """The joints, the same of all models.

    Raises:
        UserError: They differ, or one of ``names`` is none of them.
    """
    from mmviewpose.errors import UserError
    (first, loaded), *others = models.items()
    for name, other in others:
        if other.joints != loaded.joints:
            raise UserError(f'{first} and {name} lift other joints: {", ".join(loaded.joints)}; '
                            f'{", ".join(other.joints)}')
    unknown = [name for name in names if name not in loaded.joints]
    if unknown:
        raise UserError(f'no joint {unknown[0]!r} is lifted; there are {", ".join(loaded.joints)}')
    return loaded.joints


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Load, measure, draw."""
    args = parse_args(argv)
    from mmviewpose.engine.errors import one_line_errors
    with one_line_errors():
        from pathlib import Path

        from mmviewpose.engine.files import write_json
        from mmviewpose.visualization.sensitivity import sensitivity_curves, sensitivity_heatmaps
        models = {name: load(*files, args) for name, files in named_models(args.models).items()}
        joints = check_joints(models, [args.changed, *args.seen])
        found = measure(models)
        by = partitions(models, next(iter(models.values())).model.skeleton)
        means = summary(found, by)
        print(table(means))
        out = Path(args.out)
        print(sensitivity_heatmaps(
            {name: 100 * changes.matrix for name, changes in found.items()},
            {name: loaded.parts for name, loaded in models.items()}, joints, out / 'heatmap.png',
            reference=next(iter(by.values()), None)))
        print(sensitivity_curves(found, joints.index(args.changed),
                                 [joints.index(name) for name in args.seen], joints,
                                 out / 'curves.png'))
        write_json(out / 'sensitivity.json', dict(
            unit='% of the largest 2D coordinate', split=args.split, seed=args.seed,
            joints=joints, axes=['2D key point that is scaled', 'depth that changes'],
            models={name: dict(config=loaded.config, checkpoint=loaded.checkpoint,
                               poses=len(loaded.points), parts=loaded.parts,
                               matrix=100 * found[name].matrix, means=means[name])
                    for name, loaded in models.items()}))
    return 0


if __name__ == '__main__':
    sys.exit(main())
