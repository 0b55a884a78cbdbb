"""Images of several views and what an auto-encoder makes of them; canonical poses turned."""
from pathlib import Path
from typing import Mapping, NamedTuple, Optional, Sequence

import numpy as np
from matplotlib.patches import Rectangle

from .animation import write_movie
from .image_colours import SEGMENTS, ImageLook
from .style import GREY, INK, LABEL, PALE, SMALL, TITLE, PathLike, new_figure, save

CELL = 1.05     # inches a picture
GAP = .18       # between moments
MARGIN = 1.62   # for the names of rows
LINE = .18      # of text
EIGHTHS = tuple(range(0, 360, 45))
TURNING = ('Canonical poses turned about the vertical\n'
           'points keep their colours, near ones are large')
FIFTEENTHS = tuple(range(0, 360, 15))


def view_images_figure(rows: Mapping[str, np.ndarray], path: PathLike,
                       names: Optional[Sequence[str]] = None,
                       moments: Optional[Sequence[str]] = None,
                       title: str = 'Moments seen by several cameras') -> Path:
    """A sheet of pictures: a row a kind, a group of columns a moment, a column a view.

    Part maps, depth maps and colour images are told by the first row, which must be true images;
    see :class:`~mmviewpose.visualization.image_colours.ImageLook`.

    Args:
        rows: Pictures ``(M, V, C, H, W)`` in [0, 1] by name, C 1 or 3; further lines of a name are
            smaller.
        path: Picture to write.
        names: Of the V views.
        moments: Names of the M moments.
        title: Above all; further lines are smaller.

    Returns:
        The path.

    Raises:
        ValueError: No rows, pictures of different shapes, or names that are not as many.
    """
    shapes = {np.shape(images) for images in rows.values()}
    shape = next(iter(shapes), ())
    if len(shapes) != 1 or len(shape) != 5 or shape[2] not in (1, 3) or not all(shape):
        raise ValueError(f'rows must be pictures (M, V, C, H, W) of one shape, got {shapes}')
    _check_names(names, shape[1], 'views')
    _check_names(moments, shape[0], 'moments')
    look = ImageLook(next(iter(rows.values())))
    group = shape[1] * CELL + GAP
    head = _head(title) + LINE * ((names is not None) + (moments is not None))
    width = MARGIN + shape[0] * group - GAP + .1
    height = head + len(rows) * CELL + _foot(look)
    figure = new_figure(width, height)
    _title(figure, title)
    for row, (name, images) in enumerate(rows.items()):
        bottom = height - head - (row + 1) * CELL
        _lines(figure, .1, bottom + CELL / 2, name)
        shown = look(images)
        for moment in range(shape[0]):
            for view in range(shape[1]):
                _show(figure, shown[moment, view], MARGIN + moment * group + view * CELL, bottom)
    top = height - head
    for moment in range(shape[0]):
        left = MARGIN + moment * group
        for view in range(shape[1] if names is not None else 0):
            _text(figure, left + (view + .5) * CELL, top + .04, names[view], fontsize=SMALL,
                  color=GREY)
        if moments is not None:
            _text(figure, left + (group - GAP) / 2, top + .04 + LINE * (names is not None),
                  moments[moment], fontsize=LABEL)
    _legend(figure, look, MARGIN)
    return save(figure, path)


def turning_pose_figure(poses: np.ndarray, path: PathLike, angles: Sequence[float] = EIGHTHS,
                        images: Optional[np.ndarray] = None,
                        inputs: Optional[np.ndarray] = None,
                        names: Optional[Sequence[str]] = None,
                        title: str = TURNING) -> Path:
    """Poses seen from several sides: for each its points, and below them what is decoded of them.

    A point has one colour all along, from the highest to the lowest of the first pose; near ones
    are large. Each pose is drawn to its own scale, the line is the axis that it turns about.

    Args:
        poses: Pose features ``(M, N, 3)``, x right and y down, z away.
        path: Picture to write.
        angles: A of them, degrees; a positive one brings what is far to the right.
        images: What is decoded of the turned poses, ``(M, A, C, H, W)`` in [0, 1].
        inputs: The images whose poses these are, ``(M, C, H, W)``.
        names: Of the M poses.
        title: Above all; further lines are smaller.

    Returns:
        The path.

    Raises:
        ValueError: No poses, or shapes that do not fit each other.
    """
    points = _turned(poses, angles)
    _check_turning(points, images, inputs, names)
    count, rows = len(points), 1 + (images is not None)
    look = _look(images, inputs)
    margin = .1 if names is None else MARGIN
    head, first = _head(title) + LINE, margin + (inputs is not None) * (CELL + GAP)
    width = first + len(angles) * CELL + .1
    height = head + count * (rows * CELL + GAP) - GAP + _foot(look)
    figure = new_figure(width, height)
    _title(figure, title)
    for place, angle in enumerate(angles):
        _text(figure, first + (place + .5) * CELL, height - head + .04, f'{angle:g}°',
              fontsize=SMALL, color=GREY)
    if inputs is not None:
        _text(figure, margin + CELL / 2, height - head + .04, 'input', fontsize=SMALL, color=GREY)
    colors = _by_height(points[0, 0])
    for row in range(count):
        bottom = height - head - row * (rows * CELL + GAP) - rows * CELL
        _lines(figure, .1, bottom + rows * CELL / 2, names[row] if names else '')
        if inputs is not None:
            _show(figure, look(inputs[row]), margin, bottom)
        for place in range(len(angles)):
            left = first + place * CELL
            _dots(figure, points[row, place], colors, _frame(poses[row]), left,
                  bottom + (rows - 1) * CELL)
            if images is not None:
                _show(figure, look(images[row, place]), left, bottom)
    _legend(figure, look, margin)
    return save(figure, path)


def animate_turning(poses: np.ndarray, path: PathLike, angles: Sequence[float] = FIFTEENTHS,
                    images: Optional[np.ndarray] = None, inputs: Optional[np.ndarray] = None,
                    names: Optional[Sequence[str]] = None, fps: float = 8.) -> Path:
    """The same as a GIF: a pose a column, an angle a frame.

    Args:
        poses, path, angles, images, inputs, names: As for :func:`turning_pose_figure`.
        fps: Angles a second.

    Returns:
        The path.

    Raises:
        ValueError: As :func:`turning_pose_figure`.
    """
    points = _turned(poses, angles)
    _check_turning(points, images, inputs, names)
    look, colors = _look(images, inputs), _by_height(points[0, 0])
    rows, size = 1 + (images is not None) + (inputs is not None), 1.5 * CELL
    width, height = len(points) * size + .1, rows * size + 4.5 * LINE
    figure = new_figure(width, height)
    turned = _text(figure, width / 2, height - 1.2 * LINE, '', fontsize=LABEL)
    base = (images is not None) * size
    dots, shown = [], []
    for column, seen in enumerate(points):
        left = .05 + column * size
        dots.append(_dots(figure, seen[0], colors, _frame(poses[column]), left, base, size))
        if images is not None:
            shown.append(_show(figure, look(images[column, 0]), left, 0., size))
        if inputs is not None:
            _show(figure, look(inputs[column]), left, base + size, size)
        for line, words in enumerate((names[column] if names else '').split('\n')[:2]):
            _text(figure, left + size / 2, rows * size + (1.2 - line) * LINE, words,
                  fontsize=SMALL, color=GREY if line else INK)

    def show(place: int) -> None:
        turned.set_text(f'turned by {angles[place]:g}°')
        for column, artist in enumerate(dots):
            _move(artist, points[column, place], colors, _frame(poses[column]), size)
        for column, artist in enumerate(shown):
            artist.set_data(look(images[column, place]))

    return write_movie(figure, show, len(angles), fps, path)


# ---------------------------------------------------------------------------------------
# Checks


def _check_names(names: Optional[Sequence[str]], count: int, what: str) -> None:
    if names is not None and len(names) != count:
        raise ValueError(f'{count} {what} but {len(names)} names')


def _check_turning(points: np.ndarray, images: Optional[np.ndarray],
                   inputs: Optional[np.ndarray], names: Optional[Sequence[str]]) -> None:
    for what, given, start in (('images', images, points.shape[:2]),
                               ('inputs', inputs, points.shape[:1])):
        shape = np.shape(given)
        if given is not None and (shape[:-3] != start or shape[-3] not in (1, 3)):
            raise ValueError(f'{what} must be ({", ".join(map(str, start))}, C, H, W), '
                             f'got {shape}')
    _check_names(names, len(points), 'poses')


def _turned(poses: np.ndarray, angles: Sequence[float]) -> np.ndarray:
    """Poses ``(M, N, 3)`` turned about y: ``(M, A, N, 3)``."""
    poses = np.asarray(poses, dtype=float)
    if poses.ndim != 3 or poses.shape[-1] != 3 or not poses.size or not len(angles):
        raise ValueError(f'poses must be (M, N, 3) and angles some, got {poses.shape} and '
                         f'{len(angles)}')
    if not np.isfinite(poses).all():
        raise ValueError('poses hold values that are not finite')
    x, y, z = np.moveaxis(poses[:, None], -1, 0)
    cos, sin = (f(np.deg2rad(np.asarray(angles, dtype=float)))[:, None] for f in (np.cos, np.sin))
    return np.stack([cos * x + sin * z, y + 0. * cos, cos * z - sin * x], -1)


# ---------------------------------------------------------------------------------------
# Pieces; places are in inches from the lower left


def _look(images: Optional[np.ndarray], inputs: Optional[np.ndarray]) -> Optional[ImageLook]:
    """By the true images, if there are any; decoded ones do not show what they are."""
    known = images if inputs is None else inputs
    return None if known is None else ImageLook(known)


def _head(title: str) -> float:
    return .22 + LINE * len(title.split('\n'))


def _foot(look: Optional[ImageLook]) -> float:
    return .02 if look is None else LINE * {'parts': 2.7, 'depth': 1.7, 'rgb': .1}[look.kind]


def _text(figure, left: float, bottom: float, words: str, ha: str = 'center', va: str = 'bottom',
          color: str = INK, **look):
    width, height = figure.get_size_inches()
    return figure.text(left / width, bottom / height, words, ha=ha, va=va, color=color, **look)


def _lines(figure, left: float, middle: float, words: str) -> None:
    """Words whose first line is large, around a height."""
    lines = words.split('\n')
    for number, line in enumerate(lines):
        _text(figure, left, middle + ((len(lines) - 1) / 2 - number) * LINE, line, 'left',
              'center', GREY if number else INK, fontsize=SMALL if number else LABEL)


def _title(figure, title: str) -> None:
    for number, line in enumerate(title.split('\n')):
        _text(figure, .1, figure.get_figheight() - .1 - number * LINE - .03 * (number > 0), line,
              'left', 'top', GREY if number else INK, fontsize=LABEL - 1 if number else TITLE + 1)


def _legend(figure, look: Optional[ImageLook], left: float) -> None:
    """What the colours are, under all."""
    if look is None or not look.note:
        return
    width, height = figure.get_size_inches()
    _text(figure, left, .4 * LINE, look.note, 'left', fontsize=SMALL, color=GREY)
    for name, (color, _) in (SEGMENTS if look.kind == 'parts' else {}).items():
        figure.add_artist(Rectangle((left / width, 1.55 * LINE / height), .11 / width,
                                    .11 / height, color=color, linewidth=0))
        _text(figure, left + .16, 1.4 * LINE, name, 'left', fontsize=SMALL)
        left += .3 + .066 * len(name)


def _axes(figure, left: float, bottom: float, size: float = CELL):
    """Axes of a square cell."""
    width, height = figure.get_size_inches()
    ax = figure.add_axes([(left + .02) / width, (bottom + .02) / height, (size - .04) / width,
                          (size - .04) / height])
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_color(PALE)
    return ax


def _show(figure, image: np.ndarray, left: float, bottom: float, size: float = CELL):
    """A picture ``(H, W, 3)``."""
    return _axes(figure, left, bottom, size).imshow(image, interpolation='nearest')


def _by_height(points: np.ndarray) -> np.ndarray:
    """A number in [0, 1] for each of N points, by the rank of its height."""
    return points[:, 1].argsort().argsort() / max(len(points) - 1, 1)


class _Frame(NamedTuple):
    """A square that holds a pose while it turns: height of its middle, and half its side."""
    middle: float
    reach: float


def _frame(points: np.ndarray) -> _Frame:
    """Of a pose ``(N, 3)``."""
    low, high = points[:, 1].min(), points[:, 1].max()
    widest = np.hypot(points[:, 0], points[:, 2]).max()
    return _Frame((low + high) / 2, 1.12 * max(widest, (high - low) / 2, 1e-9))


def _dots(figure, points: np.ndarray, colors: np.ndarray, frame: _Frame, left: float,
          bottom: float, size: float = CELL):
    """Points ``(N, 3)`` from the front, near ones large and above."""
    ax = _axes(figure, left, bottom, size)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.axvline(0., color=PALE, linewidth=1., zorder=0)
    ax.set_xlim(-frame.reach, frame.reach)
    ax.set_ylim(frame.middle + frame.reach, frame.middle - frame.reach)
    artist = ax.scatter([], [], c=[], cmap='viridis', vmin=0., vmax=1.15, linewidths=.3,
                        edgecolors='white')
    _move(artist, points, colors, frame, size)
    return artist


def _move(artist, points: np.ndarray, colors: np.ndarray, frame: _Frame, size: float) -> None:
    order = np.argsort(-points[:, 2])
    artist.set_offsets(points[order, :2])
    artist.set_array(colors[order])
    artist.set_sizes(9. * (size / CELL)**2 * np.exp(-points[order, 2] / frame.reach))
