#!/usr/bin/env python
"""How stable training is over seeds: three ways to stop, and the error per epoch (part_lifting,
Sec. 6 and Fig. 4).

    python tools/analysis/stability.py full=work_dirs/full/seed0,work_dirs/full/seed1 \\
        leg-torso=work_dirs/leg-torso/seed0,work_dirs/leg-torso/seed1 --out stability.png

Each DIR is the work dir of one seed; its newest run with validations counts, with what it was
resumed from. Printed are mean and sample standard deviation over seeds of the last epoch, of the
mean over a range of epochs, and of the best epoch. The last of these is chosen with the labels of
the validation set: without labels nobody can choose it.
"""
import argparse
import sys
from typing import Dict, List, Optional, Sequence


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('models', nargs='+', metavar='NAME=DIR[,DIR...]',
                        help='a model and the work dirs of its seeds')
    parser.add_argument('--metric', default='PA-MPJPE', help='(default %(default)s)')
    parser.add_argument('--highest', action='store_true', help='the best value is the highest, as '
                        'of PCK and AUC')
    parser.add_argument('--from-epoch', type=float, metavar='A', help='range to average over '
                        '(default: the last 3/8, as 500 to 800 of 800)')
    parser.add_argument('--to-epoch', type=float, metavar='B', help='(default: the last)')
    parser.add_argument('--out', required=True, metavar='FILE.png', help='picture to write')
    parser.add_argument('--json', metavar='FILE', help='file to write the numbers to')
    return parser.parse_args(argv)


def named_folders(entries: Sequence[str]) -> Dict[str, List[str]]:
    """Work dirs by model, of ``NAME=DIR[,DIR...]``.

    Raises:
        UserError: Another form, a name or a folder twice.
    """
    from mmviewpose.errors import UserError
    found: Dict[str, List[str]] = {}
    for entry in entries:
        name, _, folders = entry.partition('=')
        dirs = [folder for folder in folders.split(',') if folder]
        if not name or not dirs:
            raise UserError(f'{entry!r} is not NAME=DIR[,DIR...]')
        if name in found or len(set(dirs)) < len(dirs):
            raise UserError(f'{entry!r}: the name or a folder is there twice')
        found[name] = dirs
    return found


def table(choices: Dict[str, list], metric: str) -> str:
    """A line a model, a column a way to stop."""
    heads = [choice.how for choice in next(iter(choices.values()))]
    width = max(len(name) for name in [*choices, 'seeds'])
    lines = [f'{metric}, mean +- std over seeds', '  '.join([' ' * width, 'seeds', *heads])]
    for name, row in choices.items():
        cells = [f'{choice.mean:.2f}' + ('' if choice.std is None else f' +- {choice.std:.2f}')
                 for choice in row]
        lines.append('  '.join([f'{name:<{width}}', f'{len(row[0].values):>5}',
                                *(f'{cell:<{len(head)}}' for cell, head in zip(cells, heads))]))
    return '\n'.join(line.rstrip() for line in lines)


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Read, print, draw."""
    args = parse_args(argv)
    from mmviewpose.engine.errors import one_line_errors
    with one_line_errors():
        from mmviewpose.engine.files import write_json
        from mmviewpose.errors import UserError
        from mmviewpose.visualization.stability import (default_range, read_seeds,
                                                        stability_choices, stability_figure)
        models = {name: read_seeds(folders, args.metric)
                  for name, folders in named_folders(args.models).items()}
        ends = {(runs.unit, float(runs.steps[-1])) for runs in models.values()}
        if len(ends) > 1:
            raise UserError('the models were not trained equally long: '
                            + ', '.join(f'{name} to {runs.unit} {runs.steps[-1]:g}'
                                        for name, runs in models.items()))
        choices = {name: stability_choices(runs, args.from_epoch, args.to_epoch, args.highest)
                   for name, runs in models.items()}
        print(table(choices, args.metric))
        shaded = default_range(next(iter(models.values())).steps, args.from_epoch, args.to_epoch)
        print(stability_figure(models, args.out, shaded))
        if args.json:
            write_json(args.json, dict(
                metric=args.metric, range=shaded,
                models={name: _numbers(runs, choices[name]) for name, runs in models.items()}))
    return 0


def _numbers(runs, choices) -> dict:
    return dict(
        unit=runs.unit, steps=runs.steps, values=runs.values,
        logs=[[str(file) for file in files] for files in runs.files],
        **{key: dict(how=choice.how, mean=choice.mean, std=choice.std, seeds=choice.values)
           for key, choice in zip(('last', 'range', 'best'), choices)})


if __name__ == '__main__':
    sys.exit(main())
