#!/usr/bin/env python
"""Table of errors by action, a row a model, of metrics that ``tools/test.py --out`` wrote.

    python tools/test.py CONFIG CHECKPOINT --out full_0.json     # and so on
    python tools/analysis/action_table.py full=full_0.json,full_1.json leg-torso=legs.json \\
        --metric PA-MPJPE --out table.md

The evaluator must be a PoseErrorMetric with ``group_by='action'`` (``--group`` for another label).
Columns are the actions (Human3.6M's in the order of its papers, others sorted), the plain mean over
actions and the mean over frames. Several files of a model, one a seed, give mean and sample
standard deviation. The best mean of a column is bold.
"""
import argparse
import json
import re
from pathlib import Path
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

# Of each action the spellings that Human3.6M's files have.
H36M_ORDER = (('Directions', ), ('Discussion', ), ('Eating', ), ('Greeting', ), ('Phoning', ),
              ('Photo', 'TakingPhoto'), ('Posing', ), ('Purchases', ), ('Sitting', ),
              ('SittingDown', ), ('Smoking', ), ('Waiting', ), ('Walking', ),
              ('WalkDog', 'WalkingDog'), ('WalkTogether', 'WalkingTogether'))
H36M_PLACE = {name: place for place, names in enumerate(H36M_ORDER) for name in names}
HIGHER_IS_BETTER = ('PCK', 'AUC', 'acc')


class Model(NamedTuple):
    """A model's errors: by column (``(label, )``, or ``'actions'`` and ``'frames'`` for the two
    means) those of its files."""
    name: str
    errors: Dict[object, List[float]]


def read_model(argument: str, metric: str, group: str) -> Model:
    """A model from ``NAME=FILE[,FILE...]``.

    Raises:
        UserError: Not of that form, a file is missing or no JSON of metrics, it lacks the metric
            or its groups, or the files have different groups.
    """
    from mmviewpose.errors import UserError
    name, _, files = argument.partition('=')
    if not name or not all(files.split(',')):
        raise UserError(f'{argument!r} is not NAME=METRICS.json[,METRICS.json ...]')
    found = [(file, read_columns(file, metric, group)) for file in files.split(',')]
    _same_groups([(f'{name} ({file})', columns) for file, columns in found], group)
    return Model(name, {key: [columns[key] for _, columns in found] for key in found[0][1]})


def read_columns(file: str, metric: str, group: str) -> Dict[object, float]:
    """The errors in a file by column."""
    from mmviewpose.errors import UserError
    metrics = _load(file)
    if metric not in metrics:
        known = sorted({re.sub(r'/([^/=]+=.*|mean-over-.*)$', '', name) for name in metrics})
        raise UserError(f'{file}: no metric {metric!r}; there are: {", ".join(known)}')
    start = f'{metric}/{group}='
    columns = {(name[len(start):], ): value for name, value in metrics.items()
               if name.startswith(start)}
    mean = metrics.get(f'{metric}/mean-over-{group}')
    if not columns or mean is None:
        raise UserError(f'{file}: {metric} is not there by {group}: test with '
                        f"group_by='{group}' in the PoseErrorMetric")
    return {**columns, 'actions': mean, 'frames': metrics[metric]}


def _load(file: str) -> Mapping[str, float]:
    from mmviewpose.errors import UserError
    try:
        metrics = json.loads(Path(file).read_text())
    except OSError as e:
        raise UserError(f'{file}: cannot be read ({e.strerror or e})') from e
    except ValueError as e:
        raise UserError(f'{file}: not JSON ({e})') from e
    if not isinstance(metrics, dict):
        raise UserError(f'{file}: not metrics of tools/test.py --out')
    return {name: float(value) for name, value in metrics.items()
            if isinstance(value, (int, float))}


def _same_groups(found: Sequence[Tuple[str, Mapping]], group: str) -> None:
    from mmviewpose.errors import UserError
    (first, wanted), *others = found
    for name, columns in others:
        differing = sorted(str(key[0]) for key in set(wanted) ^ set(columns))
        if differing:
            raise UserError(f'{first} and {name} differ in what they have by {group}: '
                            f'{", ".join(differing)}')


def ordered(labels: Sequence[str]) -> List[str]:
    """Human3.6M's actions in the order of its papers, all else sorted, numbers by value."""
    place = {label: H36M_PLACE.get(re.sub(r'[ _]\d+$', '', label)) for label in labels}
    if all(value is not None for value in place.values()):
        return sorted(labels, key=lambda label: (place[label], label))
    return sorted(labels, key=lambda label: (0, float(label), '') if _is_number(label) else
                  (1, 0., label))


def _is_number(text: str) -> bool:
    return re.fullmatch(r'-?\d+(\.\d+)?', text) is not None


def table(models: Sequence[Model], metric: str, group: str = 'action', digits: int = 1) -> str:
    """The table in Markdown.

    Raises:
        UserError: The models have different groups.
    """
    import numpy as np
    _same_groups([(model.name, model.errors) for model in models], group)
    labels = ordered([key[0] for key in models[0].errors if isinstance(key, tuple)])
    columns = [*((label, ) for label in labels), 'actions', 'frames']
    better = max if metric.split('/')[-1].startswith(HIGHER_IS_BETTER) else min
    cells = []
    for column in columns:
        values = [np.array(model.errors[column]) for model in models]
        means = [f'{value.mean():.{digits}f}' for value in values]
        finite = [value.mean() for value in values if np.isfinite(value).all()]
        best = f'{better(finite):.{digits}f}' if finite else None
        cells.append([
            (f'**{mean}**' if mean == best and len(models) > 1 else mean)
            + (f' ± {value.std(ddof=1):.{digits}f}' if len(value) > 1 else '')
            for mean, value in zip(means, values)])
    head = [metric, *labels, f'mean by {group}', 'mean by frame']
    lines = [head, ['---', *['---:'] * len(columns)],
             *([model.name, *row] for model, row in zip(models, zip(*cells)))]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)


def main(argv: Optional[Sequence[str]] = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('models', nargs='+', metavar='NAME=METRICS.json[,METRICS.json]',
                        help='a model and what tools/test.py --out wrote of it, a file a seed')
    parser.add_argument('--metric', default='PA-MPJPE', help='default %(default)s')
    parser.add_argument('--group', default='action', help='label (default %(default)s)')
    parser.add_argument('--digits', type=int, default=1, help='decimals (default %(default)s)')
    parser.add_argument('--out', help='file to write the table to (.md)')
    args = parser.parse_args(argv)
    from mmviewpose.engine.errors import one_line_errors
    with one_line_errors():
        models = [read_model(argument, args.metric, args.group) for argument in args.models]
        text = table(models, args.metric, args.group, args.digits)
        if args.out:
            from mmviewpose.files import atomic_path
            with atomic_path(args.out) as temporary:
                Path(temporary).write_text(text + '\n', encoding='utf-8')
    print(text)


if __name__ == '__main__':
    main()
