"""Training curves from mmengine's logs, and charts of results beside a paper's numbers."""
from pathlib import Path
from typing import Mapping, Optional, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from .logs import Curve, read_scalars
from .style import (BLUE, CATEGORIES, INK, LABEL, SMALL, TITLE, VERMILLION, PathLike, new_figure,
                    save, shades, tidy)


def _smooth(values: np.ndarray) -> np.ndarray:
    """Running mean over 1/40 of the curve, centred, with shorter windows at the ends."""
    half = len(values) // 80
    if half < 1:
        return values
    total = np.concatenate([[0.], np.cumsum(values)])
    index = np.arange(len(values))
    low, high = np.maximum(index - half, 0), np.minimum(index + half + 1, len(values))
    return (total[high] - total[low]) / (high - low)


def training_curves(log_json_path: PathLike, out_path: PathLike,
                    keys: Optional[Sequence[str]] = None, title: str = 'Training') -> Path:
    """Losses in one panel; whatever else was logged of the training, and every validation metric,
    in a panel of its own.

    Args:
        log_json_path: As in `read_scalars`.
        out_path: Picture to write.
        keys: Only these scalars; default all losses and metrics.
        title: Above all.

    Returns:
        The path of the picture.

    Raises:
        FileNotFoundError, ValueError: No log, an empty log, or no such key.
    """
    train, val = read_scalars(log_json_path)
    if keys is not None:
        unknown = sorted(set(keys) - set(train) - set(val))
        if unknown:
            raise ValueError(f'not in the log: {unknown}; there are {sorted({**train, **val})}')
        train, val = ({k: c[k] for k in keys if k in c} for c in (train, val))
    losses = {key: curve for key, curve in train.items() if _is_loss(key)}
    others = [(f'training: {key}', 'iteration', curve) for key, curve in train.items()
              if key not in losses]
    others += [(f'validation: {key}', 'epoch or iteration', curve) for key, curve in val.items()]
    count = bool(losses) + len(others)
    columns = min(count, 3)
    rows = -(-count // columns)
    figure = new_figure(4.6 * columns, 3.1 * rows + .3)
    axes = [figure.add_subplot(rows, columns, number + 1) for number in range(count)]
    if losses:
        _loss_panel(axes.pop(0), losses)
    for ax, other in zip(axes, others):
        _panel(ax, *other)
    figure.suptitle(title, fontsize=TITLE + 1, color=INK, x=.01, ha='left')
    figure.tight_layout()
    return save(figure, out_path)


def _is_loss(key: str) -> bool:
    """Whether a scalar is the total or one of its parts, as mmengine tells them."""
    return 'loss' in key and not key.startswith('factor/')


def _panel(ax, title: str, xlabel: str, curve: Curve) -> None:
    steps, values = curve
    marker = dict(marker='o', markersize=3.5) if len(steps) < 50 else {}
    ax.plot(steps, values, color=BLUE, linewidth=1.8, **marker)
    ax.annotate(f'{values[-1]:.4g}', (steps[-1], values[-1]), (4, 4), color=BLUE,
                textcoords='offset points', fontsize=SMALL, annotation_clip=False)
    tidy(ax, title, xlabel, '')
    ax.xaxis.set_major_locator(MaxNLocator('auto', integer=True))


def _loss_panel(ax, curves: Mapping[str, Curve]) -> None:
    # The total is the thick dark line; its parts share the colours.
    parts = [key for key in curves if key != 'loss']
    for key, color in zip(parts, CATEGORIES * (len(parts) // len(CATEGORIES) + 1)):
        steps, values = curves[key]
        ax.plot(steps, _smooth(values), color=color, linewidth=1.3, label=key.replace('loss_', ''))
    if 'loss' in curves:
        steps, values = curves['loss']
        ax.plot(steps, values, color=shades(INK, .75), linewidth=.8)
        ax.plot(steps, _smooth(values), color=INK, linewidth=2., label='total')
    every = np.concatenate([values for _, values in curves.values()])
    positive = every[every > 0]
    logarithmic = len(positive) == len(every) and positive.max() > 20 * positive.min()
    if logarithmic:
        ax.set_yscale('log')
    tidy(ax, 'training losses', 'iteration', 'loss (log scale)' if logarithmic else 'loss')
    ax.legend(fontsize=SMALL, frameon=False, loc='center left', bbox_to_anchor=(1., .5),
              handlelength=1.2)


def row_chart(rows: Sequence[Mapping], path: PathLike, title: str = '',
              paper: str = 'paper') -> Path:
    """Mean and standard deviation of each row, its single seeds and the paper's number.

    Args:
        rows: Dicts with ``name``, ``metric`` and ``mean``, and where known ``std``, ``seeds`` (the
            single values) and ``paper`` (a number or None), as tools/reproduce.py writes them.
            Rows of different metrics get panels of their own.
        path: Picture to write.
        title: Above all.
        paper: What the paper's markers are called in the legend.

    Returns:
        The path.

    Raises:
        ValueError: No rows.
    """
    if not rows:
        raise ValueError('no rows to draw')
    metrics = list(dict.fromkeys(row['metric'] for row in rows))
    groups = [[row for row in rows if row['metric'] == metric] for metric in metrics]
    heights = [.42 * len(group) + .9 for group in groups]
    figure = new_figure(7.2, sum(heights) + .5)
    axes = figure.subplots(len(groups), 1, squeeze=False,
                           gridspec_kw=dict(height_ratios=heights))[:, 0]
    for ax, group, metric in zip(axes, groups, metrics):
        _rows_panel(ax, group, metric, paper)
    return _with_legend(figure, axes, title, path)


def _rows_panel(ax, rows: Sequence[Mapping], metric: str, paper: str) -> None:
    low, high = np.inf, -np.inf
    for place, row in enumerate(rows):
        mean, std = float(row['mean']), float(row.get('std') or 0.)
        seeds = np.asarray(row.get('seeds') or [], dtype=float)
        ax.barh(place, mean, height=.62, color=shades(BLUE, .55), zorder=1)
        ax.errorbar(mean, place, xerr=std, fmt='|', color=BLUE, markersize=14, linewidth=1.8,
                    markeredgewidth=2.2, capsize=3, zorder=3, label='mean and std')
        if len(seeds):
            spread = place + np.linspace(-.16, .16, len(seeds)) if len(seeds) > 1 else [place]
            ax.scatter(seeds, spread, s=13, color=INK, alpha=.75, linewidths=0, zorder=4,
                       label='single seeds')
        known = [mean - std, mean + std, *seeds]
        if row.get('paper') is not None:
            ax.scatter(float(row['paper']), place, s=58, marker='D', facecolors='white',
                       edgecolors=VERMILLION, linewidths=1.8, zorder=5, label=paper)
            known.append(float(row['paper']))
        low, high = min(low, *known), max(high, *known)
    tidy(ax, '', metric, '')
    ax.grid(False, axis='y')
    ax.set_yticks(range(len(rows)), [row['name'] for row in rows], fontsize=LABEL - .5)
    ax.set_ylim(len(rows) - .5, -.5)
    ax.set_xlim(min(0., low), high + .25 * (high - min(0., low)))
    for place, row in enumerate(rows):
        std = row.get('std')
        text = f'{row["mean"]:.1f}' + (f' ± {std:.1f}' if std else '')
        ax.text(.995, place, text, transform=ax.get_yaxis_transform(), ha='right', va='center',
                fontsize=SMALL + .5, color=INK)


def views_chart(rows: Sequence[Mapping], path: PathLike,
                title: str = 'Error against the number of views', paper: str = 'paper',
                xlabel: str = 'number of views', steps: Optional[Sequence[str]] = None) -> Path:
    """Error against number of views, mean and spread over seeds (like two_views, Fig. 4); or
    against anything else that goes up in steps (like mcss, Fig. 3).

    Args:
        rows: As for :func:`row_chart`, each also with ``views``, their number, and where there are
            several losses ``method``, which gets a line of its own; ``name`` is not needed. Rows of
            different metrics get panels side by side.
        path: Picture to write.
        title: Above all.
        paper: What the paper's markers are called in the legend.
        xlabel: What goes up.
        steps: What to write for ``views`` 0, 1, 2 ...; the numbers themselves by default.

    Returns:
        The path.

    Raises:
        ValueError: No rows, or a row without its number of views.
    """
    missing = [row for row in rows if row.get('views') is None]
    if missing or not rows:
        raise ValueError(f'a row has no number of views: {missing[0]}' if missing
                         else 'no rows to draw')
    metrics = list(dict.fromkeys(row['metric'] for row in rows))
    methods = list(dict.fromkeys(row.get('method', '') for row in rows))
    figure = new_figure(4.3 * len(metrics), 3.6)
    axes = figure.subplots(1, len(metrics), squeeze=False)[0]
    for ax, metric in zip(axes, metrics):
        group = [row for row in rows if row['metric'] == metric]
        highest = {views: max(float(row['mean']) for row in group if row['views'] == views)
                   for views in {row['views'] for row in group}}
        for method, color in zip(methods, CATEGORIES * (len(methods) // len(CATEGORIES) + 1)):
            _views_line(ax, [row for row in group if row.get('method', '') == method], method,
                        color, paper, highest)
        tidy(ax, '', xlabel, metric)
        ticks = sorted({int(row['views']) for row in rows})
        ax.set_xticks(ticks, [str(tick) if steps is None else steps[tick] for tick in ticks])
        ax.margins(x=.12)
        ax.set_ylim(0., 1.12 * ax.get_ylim()[1])
    return _with_legend(figure, axes, title, path)


def _views_line(ax, rows: Sequence[Mapping], method: str, color: str, paper: str,
                highest: Mapping[int, float]) -> None:
    """A method's line; its numbers stand above the points where it is the highest, else below."""
    rows = sorted(rows, key=lambda row: row['views'])
    if not rows:
        return
    views, mean, std = (np.array([float(row.get(key) or 0.) for row in rows])
                        for key in ('views', 'mean', 'std'))
    if std.any():
        ax.fill_between(views, mean - std, mean + std, color=shades(color, .72), linewidth=0,
                        zorder=1)
    ax.plot(views, mean, color=color, linewidth=1.9, marker='o', markersize=5, zorder=3,
            label=method or 'mean')
    for row, x, y in zip(rows, views, mean):
        seeds = np.asarray(row.get('seeds') or [], dtype=float)
        ax.scatter(np.full(len(seeds), x), seeds, s=9, color=INK, alpha=.6, linewidths=0, zorder=4,
                   label='single seeds')
        above = y >= highest[row['views']]
        ax.annotate(f'{y:.1f}', (x, y), (0, 10 if above else -11), textcoords='offset points',
                    ha='center', va='bottom' if above else 'top', fontsize=SMALL, color=color,
                    zorder=5)
        if row.get('paper') is not None:
            ax.scatter(x, float(row['paper']), s=42, marker='D', facecolors='white',
                       edgecolors=color, linewidths=1.6, zorder=4, label=paper)


def _with_legend(figure, axes, title: str, path: PathLike) -> Path:
    """The figure with a title and one legend below all panels, written."""
    handles = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels()):
            handles.setdefault(label, handle)
    figure.suptitle(title, fontsize=TITLE + 1, color=INK, x=.01, ha='left')
    figure.tight_layout()
    figure.legend(list(handles.values()), list(handles), loc='upper center',
                  bbox_to_anchor=(.5, .01), ncol=len(handles), frameon=False,
                  fontsize=SMALL + .5)
    return save(figure, path)
