"""Images of several views and what an auto-encoder makes of them; canonical poses turned."""
from pathlib import Path
from typing import Mapping, Optional, Sequence

import numpy as np

from .animation import write_movie
from .style import INK, LABEL, SMALL, TITLE, PathLike, new_figure, save

CELL = 1.05     # inches a picture
GAP = .12       # between moments
MARGIN = 1.45   # for the names of rows
HEAD = .62      # for the title


def view_images_figure(rows: Mapping[str, np.ndarray], path: PathLike,
                       views: Optional[Sequence[str]] = None,
                       title: str = 'Moments seen by several cameras') -> Path:
    """A sheet of pictures: a row a kind, a group of columns a moment, a column a view.

    Args:
        rows: Pictures ``(M, V, C, H, W)`` in [0, 1] by name; one or three channels, shown as they
            are (a part map's part, u and v as red, green and blue).
        path: Picture to write.
        views: Names of the V views.
        title: Above all.

    Returns:
        The path.

    Raises:
        ValueError: No rows, or pictures of different shapes.
    """
    shapes = {np.shape(images) for images in rows.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 5:
        raise ValueError(f'rows must be pictures (M, V, C, H, W) of one shape, got {shapes}')
    moments, count = next(iter(shapes))[:2]
    width = MARGIN + moments * (count * CELL + GAP)
    height = HEAD + len(rows) * CELL
    figure = new_figure(width, height)
    figure.text(.1 / width, 1 - .1 / height, title, va='top', fontsize=TITLE, color=INK)
    for row, (name, images) in enumerate(rows.items()):
        bottom = height - HEAD - (row + 1) * CELL
        figure.text(.1 / width, (bottom + CELL / 2) / height, name, va='center', fontsize=LABEL,
                    color=INK)
        for moment in range(moments):
            for view in range(count):
                left = MARGIN + moment * (count * CELL + GAP) + view * CELL
                _show(figure, images[moment][view], left, bottom, CELL)
                if row == 0 and views is not None:
                    figure.text((left + CELL / 2) / width, (bottom + CELL + .03) / height,
                                views[view], ha='center', fontsize=SMALL, color=INK)
    return save(figure, path)


def turning_pose_figure(points: np.ndarray, images: np.ndarray, degrees: Sequence[float],
                        path: PathLike, title: str = 'Canonical poses turned about the vertical'
                        ) -> Path:
    """Poses turned and decoded: for each its points, and below them the picture.

    Args:
        points: Turned pose features ``(M, A, N, 3)``, x right and y down.
        images: Their pictures ``(M, A, C, H, W)`` in [0, 1].
        degrees: The A angles.
        path: Picture to write.
        title: Above all.

    Returns:
        The path.

    Raises:
        ValueError: Shapes that do not fit each other.
    """
    _check_turns(points, images, degrees)
    moments, count = points.shape[:2]
    width, height = .3 + count * CELL, HEAD + 2 * moments * CELL
    figure = new_figure(width, height)
    figure.text(.1 / width, 1 - .1 / height, title, va='top', fontsize=TITLE, color=INK)
    half = 1.1 * np.abs(points[..., :2]).max()
    for moment in range(moments):
        bottom = height - HEAD - 2 * (moment + 1) * CELL
        for place in range(count):
            left = .15 + place * CELL
            _dots(figure, points[moment, place], half, left, bottom + CELL, CELL)
            _show(figure, images[moment, place], left, bottom, CELL)
            if moment == 0:
                figure.text((left + CELL / 2) / width, (height - HEAD + .03) / height,
                            f'{degrees[place]:.0f}°', ha='center', fontsize=SMALL, color=INK)
    return save(figure, path)


def animate_turning(points: np.ndarray, images: np.ndarray, degrees: Sequence[float],
                    path: PathLike, fps: float = 8.) -> Path:
    """The same as a GIF, an angle a frame.

    Args:
        points, images, degrees, path: As for :func:`turning_pose_figure`.
        fps: Angles a second.

    Raises:
        ValueError: As :func:`turning_pose_figure`.
    """
    _check_turns(points, images, degrees)
    moments = len(points)
    width, height = moments * 1.5 * CELL, .3 + 3 * CELL
    figure = new_figure(width, height)
    half = 1.1 * np.abs(points[..., :2]).max()

    def show(place: int) -> None:
        figure.clear()
        figure.text(.5, 1 - .05 / height, f'{degrees[place]:.0f}°', ha='center', va='top',
                    fontsize=LABEL, color=INK)
        for moment in range(moments):
            left = moment * 1.5 * CELL
            _dots(figure, points[moment, place], half, left, 1.5 * CELL, 1.5 * CELL)
            _show(figure, images[moment, place], left, 0., 1.5 * CELL)

    return write_movie(figure, show, len(degrees), fps, path)


def _check_turns(points: np.ndarray, images: np.ndarray, degrees: Sequence[float]) -> None:
    if (points.ndim != 4 or images.ndim != 5 or points.shape[:2] != images.shape[:2]
            or points.shape[1] != len(degrees) or not len(points)):
        raise ValueError(f'points must be (M, A, N, 3) and images (M, A, C, H, W) for '
                         f'{len(degrees)} angles, got {points.shape}, {images.shape}')


def _axes(figure, left: float, bottom: float, size: float):
    """Axes of a cell, in inches."""
    width, height = figure.get_size_inches()
    ax = figure.add_axes([(left + .02) / width, (bottom + .02) / height, (size - .04) / width,
                          (size - .04) / height])
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)
    return ax


def _show(figure, image: np.ndarray, left: float, bottom: float, size: float) -> None:
    """A picture ``(C, H, W)``."""
    image = np.clip(np.asarray(image, dtype=float), 0, 1)
    image = np.repeat(image, 3, 0) if len(image) == 1 else image
    _axes(figure, left, bottom, size).imshow(image.transpose(1, 2, 0), interpolation='nearest')


def _dots(figure, points: np.ndarray, half: float, left: float, bottom: float, size: float
          ) -> None:
    """Points ``(N, 3)`` from the front, each always in its own colour, near ones large."""
    ax = _axes(figure, left, bottom, size)
    order = np.argsort(-points[:, 2])
    ax.scatter(points[order, 0], points[order, 1], c=np.linspace(0, 1, len(points))[order],
               cmap='turbo', s=7 * np.exp(-points[order, 2] / max(half, 1e-9)), linewidths=0)
    ax.set_xlim(-half, half)
    ax.set_ylim(half, -half)
    ax.set_aspect('equal')
