"""Reading the scalars that mmengine logs."""
import json
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Tuple

import numpy as np

from mmviewpose.errors import UserError

from .style import PathLike

# What mmengine writes beside losses and metrics, also by optimizer (``critic.lr``).
_NOT_CURVES = {'step', 'iter', 'epoch', 'time', 'data_time', 'memory', 'lr', 'base_lr', 'grad_norm'}
Curve = Tuple[np.ndarray, np.ndarray]


class ValidationLog(NamedTuple):
    """The validation metrics of a run.

    Attributes:
        curves: (steps, values) by metric.
        unit: What the steps count, ``'epoch'`` or ``'iteration'``.
        files: The logs read, oldest first; several where a run was resumed.
    """
    curves: Dict[str, Curve]
    unit: str
    files: Tuple[Path, ...]


def read_scalars(log_json_path: PathLike) -> Tuple[Dict[str, Curve], Dict[str, Curve]]:
    """The scalars of an mmengine log, ``vis_data/*.json`` with one JSON object a line.

    Lines with losses come from training; the others from validation. A line that is not JSON (a
    run that was killed while it wrote) is skipped.

    Args:
        log_json_path: The file, or a work dir or ``vis_data`` folder, whose newest one is taken.

    Returns:
        Two dicts, training and validation, of name: (steps, values). Values that are not finite
        are left out.

    Raises:
        FileNotFoundError: There is no such log.
        ValueError: The log holds no scalars.
    """
    train, val = _curves(_log_file(Path(log_json_path)))
    if not train and not val:
        raise ValueError(f'{log_json_path}: no scalars in this log')
    return train, val


def read_validation(work_dir: PathLike) -> ValidationLog:
    """The validation metrics of the newest run of a work dir that has any.

    Where that run went on from an earlier one (its training log does not begin at the beginning),
    what came before is taken from the runs before it. Validations without training (step 0) do not
    count.

    Args:
        work_dir: Folder with ``TIMESTAMP/vis_data/*.json``, as mmengine writes them.

    Raises:
        UserError: No such folder, no log, or no validation in any of them.
    """
    folder = Path(work_dir)
    if not folder.is_dir():
        raise UserError(f'no such folder: {work_dir}')
    logs = _newest_first([*folder.glob('vis_data/*.json'), *folder.glob('*/vis_data/*.json')])
    logs = list({log.parent: log for log in reversed(logs)}.values())[::-1]     # one a run
    if not logs:
        deeper = sorted({str(log.parents[2]) for log in folder.rglob('vis_data/*.json')})
        raise UserError(f'{work_dir}: no log (TIMESTAMP/vis_data/*.json) of a run here'
                        + f'; there are some in {", ".join(deeper[:3])}' * bool(deeper))
    runs = [(log, curves) for log, curves in ((log, _validations(log)) for log in logs) if curves]
    if not runs:
        raise UserError(f'{work_dir}: no validation in {len(logs)} log(s), the newest is {logs[0]}')
    return _joined(runs)


def _validations(log: Path) -> Dict[str, Curve]:
    """Validation curves of a log, steps from 1 on."""
    found = {}
    for key, (steps, values) in _curves(log)[1].items():
        kept = steps > 0
        if kept.any():
            found[key] = steps[kept], values[kept]
    return found


def _joined(runs: List[Tuple[Path, Dict[str, Curve]]]) -> ValidationLog:
    """The newest run and, where it was resumed, what earlier ones have below its first step."""
    (log, curves), *earlier = runs
    files = [log]
    for older_log, older in earlier:
        first = min(steps[0] for steps, _ in curves.values())
        if not _resumed(files[-1]) or set(older) != set(curves):
            break
        curves = {key: tuple(np.concatenate([old[older[key][0] < first], new])
                             for old, new in zip(older[key], curve))
                  for key, curve in curves.items()}
        files.append(older_log)
    training = [record for record in _records(log) if _of_training(record)]
    by_epoch = not training or any('epoch' in record for record in training)
    return ValidationLog(curves, 'epoch' if by_epoch else 'iteration', tuple(files[::-1]))


def _resumed(log: Path) -> bool:
    """Whether a run's first line of training came later than one every interval explains."""
    steps = [record.get('iter', 0) for record in _records(log) if _of_training(record)]
    return len(steps) > 1 and steps[0] > max(np.diff(steps))


def _curves(log: Path) -> Tuple[Dict[str, Curve], Dict[str, Curve]]:
    """Training and validation curves of a log file."""
    train: Dict[str, List] = {}
    val: Dict[str, List] = {}
    for record in _records(log):
        training = _of_training(record)
        step = record.get('iter', record.get('step')) if training else record.get('step')
        for key, value in record.items():
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if (number and key.rsplit('.', 1)[-1] not in _NOT_CURVES
                    and np.isfinite(value)):
                (train if training else val).setdefault(key, []).append((step, value))
    return tuple({key: tuple(np.array(pairs, dtype=float).T) for key, pairs in curves.items()}
                 for curves in (train, val))


def _of_training(record: dict) -> bool:
    return any(key.startswith('loss') or key == 'lr' for key in record)


def _records(log: Path) -> Iterator[dict]:
    for line in log.read_text(errors='replace').splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and ('step' in record or 'iter' in record):
            yield record


def _log_file(path: Path) -> Path:
    if path.is_file():
        return path
    found = _newest_first(path.glob('*.json') if path.name == 'vis_data'
                          else path.rglob('vis_data/*.json'))
    if not found:
        raise FileNotFoundError(f'{path}: no log (vis_data/*.json) here')
    return found[0]


def _newest_first(files) -> List[Path]:
    return sorted(files, key=lambda file: (file.stat().st_mtime, file.name), reverse=True)
