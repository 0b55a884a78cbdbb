#!/usr/bin/env python
"""Train SeBiReNet on the built-in synthetic people, test it and draw what it recovers."""
import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
CONFIG = ROOT / 'configs' / 'viewpose' / 'sebirenet_synthetic.py'


def main(argv=None) -> None:
    """Train, test, print the table and name the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/demo'))
    parser.add_argument('--epochs', type=int, help="instead of the config's")
    args = parser.parse_args(argv)
    from mmviewpose.engine.errors import one_line_errors
    with one_line_errors():
        from mmviewpose.engine.runner import build_runner, load_config
        options = dict(work_dir=str(args.work_dir))
        if args.epochs:
            options.update({'train_cfg.max_epochs': args.epochs,
                            'param_scheduler.total_steps': args.epochs})
        runner = build_runner(load_config(str(CONFIG), options))
        runner.train()
        batches = predictions(runner)
        print(table(batches))
        path = args.work_dir / 'denoising.png'
        draw(batches, path)
        print(f'Picture: {path}')


def predictions(runner) -> dict:
    """The test set's predictions as one dict of tensors."""
    import torch
    runner.model.eval()
    parts = []
    with torch.no_grad():
        for batch in runner.build_dataloader(runner.cfg.test_dataloader):
            parts += runner.model.test_step(batch)
    return {key: torch.cat([part[key] for part in parts]) for key in parts[0]}


def table(pred: dict) -> str:
    """MPJPE of input and output for each number of moved joints."""
    from mmviewpose.functional.pose_errors import mpjpe
    lines = ['', 'MPJPE, mm             corrupted  recovered']
    numbers = sorted(set(pred['num_moved'].tolist()))
    for name, rows in [(f'{n} joints moved', pred['num_moved'] == n) for n in numbers] + [
            ('all', pred['num_moved'] >= 0)]:
        before, after = (float(mpjpe(pred[key][rows], pred['target'][rows]))
                         for key in ('input', 'keypoints'))
        lines.append(f'{name:<20}  {before:9.1f}  {after:9.1f}')
    return '\n'.join(lines)


def draw(pred: dict, path: Path) -> None:
    """True, corrupted and recovered skeletons, one row for each number of moved joints."""
    from mmviewpose.skeletons import get_skeleton
    from mmviewpose.visualization import denoising_figure
    numbers = sorted(set(pred['num_moved'].tolist()))
    rows = [int((pred['num_moved'] == number).nonzero()[0]) for number in numbers]
    true, corrupted, recovered, moved = (
        pred[key][rows].cpu().numpy() for key in ('target', 'input', 'keypoints', 'moved'))
    denoising_figure(true, corrupted, recovered, moved, get_skeleton('ape17'), path)


if __name__ == '__main__':
    main()
