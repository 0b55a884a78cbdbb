#!/usr/bin/env python
"""Run the experiment behind a published figure: ``tools/reproduce.py NAME --data DIR``."""
import argparse
import importlib
import pkgutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]


def names() -> list:
    """Experiments that can be run."""
    import reproductions
    return [module.name.replace('_', '-') for module in
            pkgutil.iter_modules(reproductions.__path__) if module.name != 'runs']


def positive(text: str) -> int:
    """A whole number from 1 on."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f'{text} is not at least 1')
    return number


def main(argv=None) -> None:
    """Prepare, train, test and print mean and spread beside the paper's numbers."""
    parser = argparse.ArgumentParser(
        description='Prepare, train and test the experiment behind a published figure; parts '
                    'that are finished are not run again.')
    parser.add_argument('name', choices=names())
    parser.add_argument('--data', required=True, type=Path, metavar='DIR',
                        help='where the data sets were unpacked (docs/data_preparation.md)')
    parser.add_argument('--seeds', type=positive, default=3)
    parser.add_argument('--json', metavar='FILE', help='write the rows')
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/reproduce'))
    parser.add_argument('--jobs', type=positive, default=2, help='processes of one thread each')
    args = parser.parse_args(argv)

    from mmviewpose.engine.errors import one_line_errors
    with one_line_errors():
        from mmviewpose.engine.files import write_json
        experiment = importlib.import_module(f'reproductions.{args.name.replace("-", "_")}')
        from mmviewpose.visualization import row_chart
        from reproductions.runs import table
        rows = experiment.run(args.data.resolve(), args.work_dir.resolve(), args.seeds, args.jobs)
        print(table(rows))
        picture = args.work_dir / f'{args.name}.png'
        row_chart(rows, picture, args.name)
        print(f'Picture: {picture}')
        if hasattr(experiment, 'draw'):
            print(f'Picture: {experiment.draw(rows, args.work_dir)}')
        if args.json:
            write_json(args.json, dict(rows=rows, seeds=args.seeds))


if __name__ == '__main__':
    main()
