"""Where features lie: the plane of their two main directions, coloured by two sets of labels."""
from pathlib import Path
from typing import Optional, Sequence, Tuple

import numpy as np

from .style import CATEGORIES, INK, SMALL, TITLE, PathLike, new_figure, save, tidy


def principal_plane(features: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Features on their first two principal axes.

    Args:
        features: (N, D), N at least 2; rows that are not finite are an error.

    Returns:
        (N, 2) coordinates, each axis signed so that its largest coordinate is positive, and (2,)
        the shares of the variance that they explain.

    Raises:
        ValueError: Wrong shape or values that are not finite.
    """
    features = np.asarray(features, dtype=float)
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f'features must be (N, D) with N >= 2, got {features.shape}')
    if not np.isfinite(features).all():
        raise ValueError('features hold values that are not finite')
    u, s, _ = np.linalg.svd(features - features.mean(axis=0), full_matrices=False)
    u, s = (np.pad(a, [(0, 0)] * (a.ndim - 1) + [(0, max(0, 2 - a.shape[-1]))])[..., :]
            for a in (u, s))
    plane = u[:, :2] * s[:2]
    largest = plane[np.abs(plane).argmax(axis=0), [0, 1]]
    return plane * np.where(largest < 0, -1., 1.), s[:2] ** 2 / max((s ** 2).sum(), 1e-30)


def embedding_figure(features: np.ndarray, labels: Sequence, other_labels: Optional[Sequence],
                     path: PathLike, names: Tuple[str, str] = ('action', 'view'),
                     title: str = 'Features on their first two principal axes',
                     max_points: int = 4000) -> Path:
    """The same points twice, coloured by two sets of labels.

    A view-invariant feature groups by the first (action) and mixes the second (view).

    Args:
        features: (N, D).
        labels: (N,) words or whole numbers.
        other_labels: (N,) the same for the second panel; None leaves it out.
        path: Picture to write.
        names: What the two sets of labels are.
        title: Above all.
        max_points: More points than these are thinned out evenly (in a fixed random order).

    Returns:
        The path.
    """
    plane, share = principal_plane(features)
    sets = [np.asarray(s) for s in (labels, other_labels) if s is not None]
    if any(len(s) != len(plane) for s in sets):
        raise ValueError(f'{len(plane)} features but {[len(s) for s in sets]} labels')
    # In random order, so that no group lies on top of all others.
    order = np.random.Generator(np.random.PCG64(0)).random(len(plane)).argsort()[:max_points]
    figure = new_figure(5.6 * len(sets), 4.6)
    for number, (values, name) in enumerate(zip(sets, names)):
        ax = figure.add_subplot(1, len(sets), number + 1)
        kinds, index = np.unique(values, return_inverse=True)
        colors = np.array((CATEGORIES * (len(kinds) // len(CATEGORIES) + 1))[:len(kinds)])
        ax.scatter(*plane[order].T, s=9 if len(order) > 600 else 18, c=colors[index[order]],
                   alpha=.7, linewidths=0, rasterized=True)
        for kind, color in zip(kinds, colors):
            ax.scatter([], [], s=26, color=color, label=str(kind))
        tidy(ax, f'by {name}', f'first axis ({100 * share[0]:.0f} % of the variance)',
             f'second axis ({100 * share[1]:.0f} %)')
        ax.set_aspect('equal', adjustable='datalim')
        ax.legend(fontsize=SMALL, frameon=False, loc='center left', bbox_to_anchor=(1., .5),
                  handletextpad=.2, borderaxespad=0)
    figure.suptitle(title, fontsize=TITLE + 1, color=INK, x=.01, ha='left')
    figure.tight_layout()
    return save(figure, path)
