"""Retrieval of poses by their embeddings (mcss, Sec. 6 with Figs. 5 and 6)."""
from pathlib import Path
from typing import Mapping, Optional, Sequence

import numpy as np

from .style import (BLUE, CATEGORIES, GREY, INK, LABEL, PALE, SMALL, TITLE, VERMILLION, PathLike,
                    new_figure, save, tidy)

_CELL = 1.1     # inches a picture
_LINE = .19     # of text
_HEAD = .62     # above the pictures


def retrieval_curves(curves: Mapping[str, Mapping[int, float]], path: PathLike,
                     chance: Optional[Mapping[str, Mapping[int, float]]] = None,
                     title: str = 'Poses retrieved from other views') -> Path:
    """Mean-PA-MPJPE@k relative to an oracle, by the number of retrievals (mcss, Fig. 5).

    Args:
        curves: mm by k, by name.
        path: Picture to write.
        chance: The same of random candidates, dashed in the colour of the name.
        title: Above.

    Returns:
        The path.

    Raises:
        ValueError: No curves, or chance of a name that has none.
    """
    chance = chance or {}
    if not curves or not set(chance) <= set(curves):
        raise ValueError(f'no curves, or chance of others: {sorted(curves)}, {sorted(chance)}')
    figure = new_figure(6.4, 4.)
    ax = figure.add_subplot()
    ks = sorted({k for values in curves.values() for k in values})
    for (name, values), color in zip(curves.items(), CATEGORIES * (len(curves) // 12 + 1)):
        for found, label, style in ((values, name, '-o'),
                                    (chance.get(name, {}), f'{name}, at random', '--')):
            if found:
                ax.plot([ks.index(k) for k in found], list(found.values()), style, color=color,
                        linewidth=1.7, markersize=5, label=label)
    ax.set_xticks(range(len(ks)), [str(k) for k in ks])
    tidy(ax, title, 'number of retrievals (k)', 'Mean-PA-MPJPE@k above the oracle (mm)')
    ax.set_ylim(bottom=min(0., *(min(line.get_ydata()) for line in ax.lines)))
    ax.legend(fontsize=SMALL + .5, frameon=False, loc='center left', bbox_to_anchor=(1., .5))
    figure.tight_layout()
    return save(figure, path)


def distance_by_pose_figure(edges: np.ndarray, same_view: np.ndarray, other_view: np.ndarray,
                            path: PathLike,
                            title: str = 'Distance of embeddings by distance of poses') -> Path:
    """Mean distance of embeddings in bins of the MPJPE of their poses (mcss, Fig. 6).

    Args:
        edges: Of the bins, ``(B + 1,)`` mm.
        same_view: Mean distances to images of the query's view, ``(B,)``; NaN is left out.
        other_view: The same to images of other views, ``(B,)``.
        path: Picture to write.
        title: Above.

    Returns:
        The path.

    Raises:
        ValueError: Lengths that do not fit.
    """
    edges, same_view, other_view = map(np.asarray, (edges, same_view, other_view))
    if not len(edges) - 1 == len(same_view) == len(other_view) > 0:
        raise ValueError(f'{len(edges)} edges for {len(same_view)} and {len(other_view)} bins')
    figure = new_figure(6.4, 4.)
    ax = figure.add_subplot()
    middle = (edges[:-1] + edges[1:]) / 2
    for values, name, color in ((same_view, 'same view', BLUE),
                                (other_view, 'other views', VERMILLION)):
        there = np.isfinite(values)
        ax.plot(middle[there], values[there], '-o', color=color, linewidth=1.7, markersize=4.5,
                label=name)
    ax.set_xlim(edges[0], edges[-1])
    tidy(ax, title, 'MPJPE between canonical poses (mm)', 'mean distance of embeddings')
    ax.set_ylim(bottom=0.)
    ax.legend(fontsize=SMALL + .5, frameon=False, loc='upper left')
    figure.tight_layout()
    return save(figure, path)


def retrieval_sheet(images: np.ndarray, queries: Sequence[int], retrieved: np.ndarray,
                    errors: np.ndarray, path: PathLike, view: Optional[Sequence] = None,
                    title: str = 'Nearest embeddings of other views') -> Path:
    """A sheet of pictures: a row a query, which comes first, then its nearest.

    Args:
        images: ``(N, H, W, 3)`` bytes.
        queries: Q numbers of images.
        retrieved: Numbers of the nearest images, ``(Q, K)``.
        errors: PA-MPJPE between their poses and the query's, ``(Q, K)`` mm.
        path: Picture to write.
        view: Names of the views, ``(N,)``.
        title: Above.

    Returns:
        The path.

    Raises:
        ValueError: No queries, or shapes that do not fit.
    """
    retrieved, errors = np.asarray(retrieved), np.asarray(errors)
    if not len(queries) or retrieved.shape != errors.shape or len(retrieved) != len(queries):
        raise ValueError(f'{len(queries)} queries, retrieved {retrieved.shape} with errors '
                         f'{errors.shape}')
    rows, columns = len(queries), 1 + retrieved.shape[1]
    step, gap = _CELL + _LINE, .3
    width, height = columns * _CELL + gap + .2, _HEAD + rows * step
    figure = new_figure(width, height)
    figure.text(.1 / width, 1 - .1 / height, title, fontsize=TITLE, color=INK, va='top')
    heads = ['query', *(str(n) for n in range(1, columns))]
    for row, query in enumerate(queries):
        for column, number in enumerate([query, *retrieved[row]]):
            left = .1 + column * _CELL + (gap if column else 0.)
            ax = figure.add_axes([(left + .02) / width,
                                  (height - _HEAD - row * step - _CELL + .04) / height,
                                  (_CELL - .04) / width, (_CELL - .04) / height])
            ax.imshow(images[number], interpolation='nearest')
            ax.set_xticks([])
            ax.set_yticks([])
            for spine in ax.spines.values():
                spine.set_color(INK if column == 0 else PALE)
            notes = [f'view {view[number]}'] if view is not None else []
            notes += [f'{errors[row, column - 1]:.0f} mm'] if column else []
            ax.set_xlabel(', '.join(notes), fontsize=SMALL, color=GREY, labelpad=2)
            if row == 0:
                ax.set_title(heads[column], fontsize=LABEL, color=INK, pad=3)
    return save(figure, path)
