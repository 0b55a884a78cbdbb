#!/usr/bin/env python
"""Make docs/results.md of what tools/reproduce.py and tools/benchmark.py wrote.

    python tools/analysis/results_page.py work_dirs/results --out docs/results.md

The folder holds NAME.json of each experiment and benchmark-NAME.json of each benchmark. Run it on
the machine that ran them: the page names the machine it was made on.
"""
import argparse
import json
import platform
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]
EXPERIMENTS = ('nucla', 'denoise', 'sebirenet-ablation', 'twoviews', 'twoviews-views', 'partlift',
               'partlift-sign', 'partlift-study', 'uvi', 'uvi-ablation', 'uvi-quality', 'mcss',
               'mcss-ladder', 'retrieval')


def machine() -> str:
    """This machine and its versions, in a line."""
    import os

    import numpy
    import torch
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else 'no GPU'
    return (f'{os.cpu_count()} CPU cores ({platform.machine()}), {gpu}, Python '
            f'{platform.python_version()}, torch {torch.__version__}, numpy {numpy.__version__}')


def experiment(name: str, path: Path) -> str:
    """Section of an experiment: its docstring, command and rows."""
    import importlib

    from reproductions.runs import table
    module = importlib.import_module(f'reproductions.{name.replace("-", "_")}')
    content = json.loads(path.read_text())
    rows = content['rows']
    seeds = content.get('seeds') or max(len(row['seeds']) for row in rows
                                        if not row['name'].startswith('full'))
    return '\n'.join([f'## {name}', '', module.__doc__.strip(), '', '```bash',
                      f'python tools/reproduce.py {name} --data DIR --seeds {seeds}', '```', '',
                      ' '.join(module.run.__doc__.replace('``', '`').split()), '', table(rows), ''])


def benchmark(name: str, path: Path) -> str:
    """Section of a benchmark: its command and numbers."""
    numbers = json.loads(path.read_text())
    rows = [f'| {key} | {value:.4g} |' for key, value in numbers.items()]
    return '\n'.join([f'### {name}', '', '```bash', f'python tools/benchmark.py {name}', '```', '',
                      '| key | value |', '| --- | --- |', *rows, ''])


def page(folder: Path) -> str:
    """The whole page."""
    parts = ['# Results', '',
             'Made by `tools/analysis/results_page.py` from the JSON files of the commands below; '
             'not written by hand.', '', f'Machine: {machine()}. Data: what '
             '[data preparation](data_preparation.md) names. Means and sample standard deviations '
             'over the seeds listed.', '']
    parts += [experiment(name, folder / f'{name}.json') for name in EXPERIMENTS
              if (folder / f'{name}.json').is_file()]
    found = sorted(folder.glob('benchmark-*.json'))
    if found:
        parts += ['## Speed', '', 'Medians and ratios of one run; milliseconds, samples a second '
                  'and ratios.', '']
    return '\n'.join(parts + [benchmark(path.stem[len('benchmark-'):], path) for path in found])


def main(argv=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=Path)
    parser.add_argument('--out', type=Path, default=ROOT / 'docs' / 'results.md')
    args = parser.parse_args(argv)
    from mmviewpose.files import atomic_path
    with atomic_path(args.out) as temporary:
        Path(temporary).write_text(page(args.folder))
    print(args.out)


if __name__ == '__main__':
    main()
