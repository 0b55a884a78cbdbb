"""Error during training over several seeds (part_lifting, Sec. 6 and Fig. 4)."""
from pathlib import Path
from typing import List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from mmviewpose.errors import UserError

from .logs import read_validation
from .style import (CATEGORIES, GREY, INK, SMALL, PathLike, new_figure, save, shades, tidy)

BEST_HEAD = 'best {unit} (chosen with the validation labels)'


class SeedRuns(NamedTuple):
    """One metric of runs that differ in their seed.

    Attributes:
        steps: Epochs or iterations, ``(E,)``.
        values: ``(S, E)``, a row a seed.
        metric: Its name.
        unit: ``'epoch'`` or ``'iteration'``.
        files: The logs, by seed.
    """
    steps: np.ndarray
    values: np.ndarray
    metric: str
    unit: str = 'epoch'
    files: Tuple[Tuple[Path, ...], ...] = ()


class Choice(NamedTuple):
    """What a way to choose the moment to stop at gives.

    Attributes:
        how: In words.
        values: By seed, ``(S,)``.
    """
    how: str
    values: np.ndarray

    @property
    def mean(self) -> float:
        """Mean over seeds."""
        return float(self.values.mean())

    @property
    def std(self) -> Optional[float]:
        """Sample standard deviation over seeds; None for one seed."""
        return float(self.values.std(ddof=1)) if len(self.values) > 1 else None


def read_seeds(work_dirs: Sequence[PathLike], metric: str = 'PA-MPJPE') -> SeedRuns:
    """One metric of several runs, a work dir a seed.

    Args:
        work_dirs: See :func:`~mmviewpose.visualization.logs.read_validation`.
        metric: Name of the metric, with its prefix or, where that is clear, without.

    Raises:
        UserError: A folder, its log or the metric is missing, or the runs were not validated at
            the same steps.
    """
    runs = [read_validation(folder) for folder in work_dirs]
    curves = [run.curves[_named(run.curves, metric, folder)]
              for run, folder in zip(runs, work_dirs)]
    steps, unit = curves[0][0], runs[0].unit
    if len(np.unique(steps)) < len(steps):
        raise UserError(f'{runs[0].files[-1]}: several validations at one {unit}')
    for (other, _), run, folder in zip(curves, runs, work_dirs):
        if run.unit != unit or not np.array_equal(other, steps):
            raise UserError(f'{folder} and {work_dirs[0]} differ in their validations: '
                            f'{_span(other, run.unit)}, and {_span(steps, unit)}')
    return SeedRuns(steps, np.stack([values for _, values in curves]), metric, unit,
                    tuple(run.files for run in runs))


def _named(curves: Mapping[str, Tuple], metric: str, folder: PathLike) -> str:
    found = [key for key in curves if key == metric] or [
        key for key in curves if key.split('/')[-1] == metric]
    if len(found) != 1:
        problem = f'several metrics {metric!r}' if found else f'no metric {metric!r}'
        raise UserError(f'{folder}: {problem}; there are: {", ".join(sorted(curves))}')
    return found[0]


def _span(steps: np.ndarray, unit: str) -> str:
    return f'{len(steps)} at {unit} {steps[0]:g} to {steps[-1]:g}'


def stability_choices(runs: SeedRuns, first: Optional[float] = None, last: Optional[float] = None,
                      highest: bool = False) -> List[Choice]:
    """The three ways to stop of part_lifting, Sec. 6: last epoch, mean over a range, best epoch.

    Args:
        runs: Of one model.
        first, last: Range, both included; by default :func:`default_range`.
        highest: The best value is the highest, as of PCK.

    Returns:
        Last epoch, mean of each seed over the range, and best epoch of each seed. The last is a
        selection on the labels of the validation set.

    Raises:
        UserError: No validation lies in the range.
    """
    first, last = default_range(runs.steps, first, last)
    inside = (runs.steps >= first) & (runs.steps <= last)
    if not inside.any():
        raise UserError(f'no validation from {runs.unit} {first:g} to {last:g}; there are '
                        f'{_span(runs.steps, runs.unit)}')
    best = runs.values.max(1) if highest else runs.values.min(1)
    return [Choice(f'last {runs.unit} ({runs.steps[-1]:g})', runs.values[:, -1]),
            Choice(f'mean of {runs.unit} {first:g} to {last:g}', runs.values[:, inside].mean(1)),
            Choice(BEST_HEAD.format(unit=runs.unit), best)]


def default_range(steps: np.ndarray, first: Optional[float] = None, last: Optional[float] = None
                  ) -> Tuple[float, float]:
    """Range of epochs; what is None is the last 3/8 of training, the paper's 500 to 800."""
    return (.625 * steps[-1] if first is None else first), (steps[-1] if last is None else last)


def stability_figure(models: Mapping[str, SeedRuns], path: PathLike,
                     shaded: Optional[Tuple[float, float]] = None,
                     title: str = 'Error during training') -> Path:
    """Error per epoch: mean line and +-1 standard deviation over seeds (part_lifting, Fig. 4).

    Args:
        models: By name.
        path: Picture to write.
        shaded: Range of steps to mark, as for :func:`stability_choices`.
        title: Above all.

    Returns:
        The path.

    Raises:
        ValueError: No models.
    """
    if not models:
        raise ValueError('no models to draw')
    figure = new_figure(7.6, 4.2)
    ax = figure.add_subplot()
    if shaded is not None:
        ax.axvspan(*shaded, color=shades(GREY, .86), linewidth=0, zorder=0)
        ax.annotate(f'{shaded[0]:g} to {shaded[1]:g}', (sum(shaded) / 2, 1.), (0, -3),
                    xycoords=('data', 'axes fraction'), textcoords='offset points', ha='center',
                    va='top', fontsize=SMALL, color=INK)
    for (name, runs), color in zip(models.items(), CATEGORIES * (len(models) // 12 + 1)):
        _band(ax, name, runs, color)
    shown = next(iter(models.values()))
    unit = 'mm' if shown.metric.split('/')[-1].endswith('MPJPE') else ''
    tidy(ax, '', shown.unit, f'{shown.metric} ({unit})' if unit else shown.metric)
    ax.set_title(title, fontsize=11., color=INK, loc='left', pad=10)
    ax.margins(x=.01)
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + .06 * (high - low))
    ax.legend(fontsize=SMALL + .5, frameon=False, loc='center left', bbox_to_anchor=(1., .5),
              handlelength=1.4)
    figure.tight_layout()
    return save(figure, path)


def _band(ax, name: str, runs: SeedRuns, color: str) -> None:
    mean = runs.values.mean(0)
    seeds = len(runs.values)
    if seeds > 1:
        std = runs.values.std(0, ddof=1)
        ax.fill_between(runs.steps, mean - std, mean + std, color=color, alpha=.2, linewidth=0,
                        zorder=2)
    label = f'{name}\n{"mean ± std of " if seeds > 1 else ""}{seeds} seed{"s" * (seeds > 1)}'
    ax.plot(runs.steps, mean, color=color, linewidth=1.7, zorder=3, label=label,
            marker='o' if len(mean) < 3 else None, markersize=4)
