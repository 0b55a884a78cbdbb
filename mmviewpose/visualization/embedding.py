"""Where features lie: in the plane of their two main directions, or of t-SNE, coloured by labels."""
from pathlib import Path
from typing import Optional, Sequence, Tuple

import numpy as np

from mmviewpose.errors import UserError

from .style import CATEGORIES, INK, SMALL, TITLE, PathLike, new_figure, save, tidy


METHODS = ('pca', 'tsne')
_PERPLEXITY = 30  # scikit-learn's own


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
    features = _checked(features)
    u, s, _ = np.linalg.svd(features - features.mean(axis=0), full_matrices=False)
    u, s = (np.pad(a, [(0, 0)] * (a.ndim - 1) + [(0, max(0, 2 - a.shape[-1]))])[..., :]
            for a in (u, s))
    plane = u[:, :2] * s[:2]
    largest = plane[np.abs(plane).argmax(axis=0), [0, 1]]
    return plane * np.where(largest < 0, -1., 1.), s[:2] ** 2 / max((s ** 2).sum(), 1e-30)


def tsne_plane(features: np.ndarray, seed: int = 0) -> np.ndarray:
    """Features in a plane where neighbours stay neighbours, by scikit-learn's t-SNE (van der Maaten
    and Hinton, 2008); far distances say nothing.

    Args:
        features: (N, D), N at least 2.
        seed: Of what t-SNE draws.

    Returns:
        (N, 2) coordinates without a unit.

    Raises:
        UserError: scikit-learn is not installed.
        ValueError: Wrong shape or values that are not finite.
    """
    try:
        from sklearn.manifold import TSNE
    except ImportError as error:
        raise UserError('t-SNE needs scikit-learn: pip install scikit-learn') from error
    features = _checked(features)
    return TSNE(perplexity=min(_PERPLEXITY, (len(features) - 1) / 3 + .5), init='random',
                random_state=seed).fit_transform(features.astype(np.float32))


def _checked(features: np.ndarray) -> np.ndarray:
    features = np.asarray(features, dtype=float)
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f'features must be (N, D) with N >= 2, got {features.shape}')
    if not np.isfinite(features).all():
        raise ValueError('features hold values that are not finite')
    return features


def embedding_figure(features: np.ndarray, labels: Sequence, other_labels: Optional[Sequence],
                     path: PathLike, names: Tuple[str, str] = ('action', 'view'),
                     title: str = 'Features on their first two principal axes',
                     max_points: int = 4000, method: str = 'pca') -> Path:
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
        method: ``'pca'``, or ``'tsne'`` (:func:`tsne_plane`, of the points that are shown; it
            takes seconds for some thousand).

    Returns:
        The path.
    """
    if method not in METHODS:
        raise ValueError(f'method must be one of {METHODS}, got {method!r}')
    features = _checked(features)
    sets = [np.asarray(s) for s in (labels, other_labels) if s is not None]
    if any(len(s) != len(features) for s in sets):
        raise ValueError(f'{len(features)} features but {[len(s) for s in sets]} labels')
    # In random order, so that no group lies on top of all others.
    order = np.random.Generator(np.random.PCG64(0)).random(len(features)).argsort()[:max_points]
    if method == 'pca':
        plane, share = principal_plane(features)
        plane = plane[order]
        axes = (f'first axis ({100 * share[0]:.0f} % of the variance)',
                f'second axis ({100 * share[1]:.0f} %)')
    else:
        plane, axes = tsne_plane(features[order]), ('', '')
    figure = new_figure(5.6 * len(sets), 4.6)
    for number, (values, name) in enumerate(zip(sets, names)):
        ax = figure.add_subplot(1, len(sets), number + 1)
        kinds, index = np.unique(values, return_inverse=True)
        colors = np.array((CATEGORIES * (len(kinds) // len(CATEGORIES) + 1))[:len(kinds)])
        ax.scatter(*plane.T, s=9 if len(order) > 600 else 18, c=colors[index[order]],
                   alpha=.7, linewidths=0, rasterized=True)
        for kind, color in zip(kinds, colors):
            ax.scatter([], [], s=26, color=color, label=str(kind))
        tidy(ax, f'by {name}', *axes)
        ax.set_aspect('equal', adjustable='datalim')
        ax.legend(fontsize=SMALL, frameon=False, loc='center left', bbox_to_anchor=(1., .5),
                  handletextpad=.2, borderaxespad=0)
    figure.suptitle(title, fontsize=TITLE + 1, color=INK, x=.01, ha='left')
    figure.tight_layout()
    return save(figure, path)
