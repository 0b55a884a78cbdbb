#!/usr/bin/env python
"""Measure speed: ``tools/benchmark.py NAME [--json FILE]``; without a name, list the names."""
import argparse
import importlib.util
import inspect
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / 'benchmarks'


def names():
    """The benchmarks: modules of ``tools/benchmarks`` with a function ``run``."""
    return sorted(path.stem for path in FOLDER.glob('*.py') if not path.stem.startswith('_'))


def load(name: str):
    """Import ``tools/benchmarks/NAME.py``."""
    spec = importlib.util.spec_from_file_location(f'benchmark_{name}', FOLDER / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def table(numbers: dict) -> str:
    """Two columns."""
    width = max(map(len, numbers))
    return '\n'.join(f'{key:<{width}}  {value:>12.4g}' for key, value in numbers.items())


def flat_numbers(found: dict) -> dict:
    """Check that a benchmark gave a flat dict of numbers."""
    numbers = {}
    for key, value in found.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError(f'{key} is not a number: {value!r}')
        numbers[key] = value
    return numbers


def main(argv=None) -> None:
    """Run one benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('name', nargs='?', help=f"one of: {', '.join(names())}")
    parser.add_argument('--json', metavar='FILE', help='write the numbers there')
    args = parser.parse_args(argv)
    if args.name is None:
        for name in names():
            print(f"{name:<12}{(inspect.getdoc(load(name)) or '').splitlines()[0]}")
        return
    if args.name not in names():
        print(f"error: no benchmark '{args.name}'; there are: {', '.join(names())}",
              file=sys.stderr)
        sys.exit(1)
    from mmviewpose.engine.errors import one_line_errors
    from mmviewpose.engine.files import write_json
    with one_line_errors():
        numbers = flat_numbers(load(args.name).run())
        print(table(numbers))
        if args.json is not None:
            write_json(args.json, numbers)


if __name__ == '__main__':
    main()
