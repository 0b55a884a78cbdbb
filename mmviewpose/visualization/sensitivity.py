"""Which predicted depths depend on which 2D key points (part_lifting, Sec. 5)."""
from pathlib import Path
from typing import Any, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from .style import (BLUE, CATEGORIES, GREY, INK, LABEL, PALE, SMALL, TITLE, PathLike, new_figure,
                    save, tidy)

Parts = Mapping[str, Sequence[int]]
UNIT = '% of the largest 2D coordinate'     # of changes of a normalised pose, times 100
_COLORS = LinearSegmentedColormap.from_list('change', ['#FFFFFF', '#BFE0EF', BLUE, '#00243D'])
_CELL, _NAMES, _HEAD = .21, 1.42, .95       # inches: a cell, joint and part names, above a panel


def part_order(partitions: Sequence[Parts]) -> Tuple[int, ...]:
    """Order of the J joints that keeps parts together: those of the coarsest partition first,
    within them those of the finer ones.

    Args:
        partitions: Positions of each part; each of the J is in one part.
    """
    coarse_first = sorted(partitions, key=len)
    number = [{place: i for i, part in enumerate(parts.values()) for place in part}
              for parts in coarse_first]
    return tuple(sorted(number[0], key=lambda place: [*(part[place] for part in number), place]))


def sensitivity_heatmaps(matrices: Mapping[str, Any], partitions: Mapping[str, Parts],
                         joints: Sequence[str], path: PathLike, reference: Optional[Parts] = None,
                         title: str = 'Change of depth when one 2D key point is scaled',
                         unit: str = UNIT) -> Path:
    """A heat map key point x ordinate a model, on one colour scale.

    Joints are ordered by part; lines are the borders of the model's parts, or, dashed, those of
    ``reference`` where the model is not split. What is exactly 0 is grey.

    Args:
        matrices: ``(J, J)`` by model: mean change, axis 0 the key point that is scaled, axis 1 the
            depth that changes.
        partitions: Parts by model, as positions among the J.
        joints: J names.
        path: Picture to write.
        reference: Parts to show models by that are not split; by default the coarsest partition
            of the others.
        title: Above all.
        unit: Of the values.

    Returns:
        The path.

    Raises:
        ValueError: No models, or shapes and names that do not fit.
    """
    values = {name: np.asarray(matrix, dtype=float) for name, matrix in matrices.items()}
    count = len(joints)
    wrong = [name for name, matrix in values.items() if matrix.shape != (count, count)]
    if not values or wrong or set(partitions) != set(values):
        raise ValueError(f'need ({count}, {count}) and parts for each model, got '
                         f'{ {name: matrix.shape for name, matrix in values.items()} } and parts '
                         f'for {sorted(partitions)}')
    split = sorted((parts for parts in partitions.values() if len(parts) > 1), key=len)
    if reference is None and split:
        reference = split[0]
    order = part_order([*([reference] if reference else ()), *partitions.values()])
    columns = min(len(values), 3)
    rows = -(-len(values) // columns)
    side = _CELL * count
    width, height = columns * (side + _NAMES) + .9, rows * (side + _NAMES + _HEAD - .3) + .45
    figure = new_figure(width, height)
    highest = max(matrix.max() for matrix in values.values()) or 1.
    for place, (name, matrix) in enumerate(values.items()):
        left = _NAMES + (place % columns) * (side + _NAMES)
        top = .45 + _HEAD - .3 + (place // columns) * (side + _NAMES + _HEAD - .3)
        ax = figure.add_axes((left / width, 1 - (top + side) / height, side / width, side / height))
        image = _heat(ax, matrix[np.ix_(order, order)], highest)
        own = len(partitions[name]) > 1 or reference is None
        _label(ax, name, [joints[i] for i in order],
               _runs(partitions[name] if own else reference, order), own)
    top = .45 + _HEAD - .3
    bar = figure.add_axes(((width - .72) / width, 1 - (top + side) / height, .14 / width,
                           side / height))
    colorbar = figure.colorbar(image, cax=bar)
    colorbar.outline.set_visible(False)
    bar.tick_params(labelsize=SMALL, color=GREY, length=3)
    bar.set_ylabel(f'mean |change|\n({unit})', fontsize=LABEL - .5, color=INK)
    if any((matrix == 0).any() for matrix in values.values()):
        figure.text(1 - .12 / width, 1 - .14 / height, 'grey: exactly 0', fontsize=SMALL,
                    color=INK, va='top', ha='right')
    figure.text(.12 / width, 1 - .1 / height, title, fontsize=TITLE + 1, color=INK, va='top')
    return save(figure, path)


def _heat(ax, matrix: np.ndarray, highest: float):
    ax.set_facecolor(PALE)
    image = ax.imshow(np.ma.masked_equal(matrix, 0.), cmap=_COLORS, vmin=0., vmax=highest,
                      interpolation='nearest')
    for side in ax.spines.values():
        side.set_color(INK)
    return image


def _runs(parts: Parts, order: Sequence[int]) -> List[Tuple[str, int, int]]:
    """(part, first, end) of neighbours of one part along the axis."""
    part_of = {place: name for name, part in parts.items() for place in part}
    runs: List[Tuple[str, int, int]] = []
    for i, place in enumerate(order):
        if runs and runs[-1][0] == part_of[place]:
            runs[-1] = (*runs[-1][:2], i + 1)
        else:
            runs.append((part_of[place], i, i + 1))
    return runs


def _label(ax, title: str, joints: Sequence[str], runs: Sequence[Tuple[str, int, int]],
           own: bool) -> None:
    """Names of joints along the cells, of parts along brackets above them, and part borders."""
    names = [joint.replace('_', ' ') for joint in joints]
    ax.set_xticks(range(len(names)), names, rotation=90, fontsize=SMALL - .5)
    ax.set_yticks(range(len(names)), names, fontsize=SMALL - .5)
    ax.tick_params(length=0, colors=INK, pad=2)
    ax.set_xlabel('depth that changes', fontsize=LABEL, color=INK)
    look = dict(color=INK, linewidth=1.1, linestyle='-' if own else '--')
    for part, first, end in runs if len(runs) > 1 else ():
        if first:
            ax.axhline(first - .5, **look)
            ax.axvline(first - .5, **look)
        ax.annotate('', (first - .4, 1.02), (end - .6, 1.02), xycoords=('data', 'axes fraction'),
                    textcoords=('data', 'axes fraction'), annotation_clip=False,
                    arrowprops=dict(arrowstyle='-', color=GREY, linewidth=1.6, shrinkA=0,
                                    shrinkB=0))
        text = part.replace('_', '\n' if end - first < 5 else ' ')
        ax.text((first + end - 1) / 2, 1.035, text, transform=ax.get_xaxis_transform(),
                ha='center', va='bottom', fontsize=SMALL - .5, color=INK, linespacing=.95)
    ax.set_ylabel('2D key point that is scaled', fontsize=LABEL, color=INK)
    above = 33 if len(runs) > 1 else 8
    ax.annotate(title, (0., 1.), (0, above), xycoords='axes fraction', textcoords='offset points',
                fontsize=TITLE, color=INK, va='bottom')


def sensitivity_curves(models: Mapping[str, Any], changed: int, seen: Sequence[int],
                       joints: Sequence[str], path: PathLike, title: Optional[str] = None,
                       unit: str = UNIT, scale: float = 100.) -> Path:
    """Change of chosen depths against the scale of one key point (part_lifting, Fig. 2 and 3).

    A panel a model: mean line and +-1 standard deviation band over poses.

    Args:
        models: By name, fields ``factors`` ``(F,)``, ``mean`` and ``std`` ``(F, J, J)`` of
            `functional.sensitivity.KeypointSensitivity`.
        changed: The key point that is scaled, as position among the J.
        seen: The depths to draw.
        joints: J names.
        path: Picture to write.
        title: Above all.
        unit: Of the changes times ``scale``.
        scale: What changes are multiplied by.

    Returns:
        The path.

    Raises:
        ValueError: No models or no depths.
    """
    if not models or not seen:
        raise ValueError('no models to draw' if seen else 'no depths to draw')
    columns = min(len(models), 3)
    rows = -(-len(models) // columns)
    figure = new_figure(3.5 * columns + .4, 3. * rows + .8)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    changed_name = joints[changed].replace('_', ' ')
    for ax, (name, found) in zip(axes, models.items()):
        factors, mean, std = (np.asarray(value, dtype=float) for value in (
            found.factors, found.mean, found.std))
        for ordinate, color in zip(seen, CATEGORIES * (len(seen) // len(CATEGORIES) + 1)):
            line, spread = scale * mean[:, changed, ordinate], scale * std[:, changed, ordinate]
            ax.fill_between(100 * factors, line - spread, line + spread, color=color, alpha=.2,
                            linewidth=0, zorder=2)
            ax.plot(100 * factors, line, color=color, linewidth=1.8, zorder=3,
                    label=f'depth of the {joints[ordinate].replace("_", " ")}')
        ax.axvline(100., color=GREY, linewidth=1., linestyle=(0, (3, 2)), zorder=1)
        tidy(ax, name)
    for ax in axes[len(models):]:
        ax.set_visible(False)
    for ax in axes[max(0, len(models) - columns):len(models)]:
        ax.tick_params(labelbottom=True)    # also where the place below is empty
    axes[0].set_xlim(100 * factors[0], 100 * factors[-1])
    figure.supxlabel(f'2D {changed_name}, % of its distance from the root', fontsize=LABEL,
                     color=INK)
    figure.supylabel(f'change of depth\n({unit})', fontsize=LABEL, color=INK, ha='center',
                     multialignment='center')
    figure.suptitle(title or f'Change of depth when the {changed_name} is scaled',
                    fontsize=TITLE + 1, color=INK, x=.01, ha='left')
    figure.tight_layout()
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc='upper center', bbox_to_anchor=(.5, .01),
                  ncol=min(len(handles), columns + 1), frameon=False, fontsize=SMALL + .5)
    return save(figure, path)
