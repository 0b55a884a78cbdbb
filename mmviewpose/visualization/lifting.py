"""What a lifter makes of a clip: prediction against truth, as a picture and as a film.

Poses are (T, K, 3) millimetres in the camera's axes (x right, y down, z forward), as lifters give
them; the camera that looks at them stands where the recording one stood, some degrees aside, so
that errors in depth are seen.
"""
from pathlib import Path
from typing import Dict, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from mpl_toolkits.mplot3d.art3d import Line3DCollection

from mmviewpose.skeletons import Skeleton

from .animation import write_movie
from .skeletons import SIDES, _as_skeleton, _legend, _to_plot, draw_skeleton, frame_axes, sides
from .style import (BLUE, GREEN, GREY, INK, LABEL, ORANGE, PALE, PURPLE, SKY, SMALL, TITLE,
                    VERMILLION, PathLike, new_figure, save, shades, tidy)

VIEW = (8., -50.)           # elevation and azimuth, degrees; the recording camera is at (0, -90)
SIDE_VIEW = (8., 0.)        # from the side: depth to the left and right
TRUTH = shades(GREY, .3)
METHODS = (BLUE, GREEN, PURPLE, ORANGE, SKY, INK)
Span = Tuple[float, float]
Predictions = Union[np.ndarray, Mapping[str, np.ndarray]]


class Seen(NamedTuple):
    """The 2D that a network saw of a clip.

    Attributes:
        points: (T, K, 2) image points, x right, y down.
        scores: (T, K) confidences; 0: not seen.
    """
    points: np.ndarray
    scores: np.ndarray


class _Clip(NamedTuple):
    """A checked clip: predictions by method, truth ``(T, K, 3)``, and which frames count."""
    methods: Dict[str, np.ndarray]
    target: np.ndarray
    counted: np.ndarray
    errors: Dict[str, np.ndarray]       # (T,) mm, NaN where the frame does not count


def frame_errors(prediction: np.ndarray, target: np.ndarray,
                 frame_mask: Optional[np.ndarray] = None) -> np.ndarray:
    """MPJPE of each frame, ``(T,)`` mm, NaN where ``frame_mask`` is False."""
    errors = np.linalg.norm(np.asarray(prediction) - target, axis=-1).mean(-1)
    return errors if frame_mask is None else np.where(frame_mask, errors, np.nan)


def _checked(predictions: Predictions, target: np.ndarray, frame_mask: Optional[np.ndarray],
             seen: Optional[Seen], skeleton: Skeleton) -> _Clip:
    methods = dict(predictions) if isinstance(predictions, Mapping) else {'': predictions}
    methods = {name: np.asarray(value, dtype=float) for name, value in methods.items()}
    target = np.asarray(target, dtype=float)
    shape = (len(target), skeleton.num_joints)
    given = dict(target=(target.shape, (*shape, 3)),
                 **{f'prediction {name!r}': (v.shape, (*shape, 3)) for name, v in methods.items()})
    if seen is not None:
        given.update(points=(np.shape(seen.points), (*shape, 2)),
                     scores=(np.shape(seen.scores), shape))
    if frame_mask is not None:
        given.update(frame_mask=(np.shape(frame_mask), shape[:1]))
    for name, (found, wanted) in given.items():
        if found != wanted:
            raise ValueError(f'{name} must be {wanted} for a clip of {shape[0]} frames in '
                             f'{skeleton.name}, got {found}')
    counted = np.ones(len(target), bool) if frame_mask is None else np.asarray(frame_mask, bool)
    if not methods or not counted.any():
        raise ValueError('nothing to draw: no prediction, or no frame that counts')
    return _Clip(methods, target, counted,
                 {name: frame_errors(v, target, counted) for name, v in methods.items()})


def _upright(poses: np.ndarray) -> np.ndarray:
    """The camera's axes to y up, by a rotation: left stays left."""
    return poses * np.array([1., -1., -1.])


def _colors(clip: '_Clip') -> Dict[str, str]:
    return {name: METHODS[n % len(METHODS)] for n, name in enumerate(clip.methods)}


# ---------------------------------------------------------------------------------------
# Panels


def _draw_seen(ax, points: np.ndarray, scores: np.ndarray, skeleton: Skeleton,
               limits: Sequence[Span]) -> None:
    """Image points of one frame; bones fade with the confidence, what was not seen is absent."""
    side = sides(skeleton)
    child, parent = np.array(skeleton.bones).T
    sure = np.minimum(scores[child], scores[parent])
    there = sure > 0
    lines = LineCollection(np.stack([points[parent], points[child]], 1)[there], linewidths=1.8,
                           colors=[to_rgba(SIDES[side[c]], .2 + .8 * s)
                                   for c, s in zip(child[there], sure[there])], zorder=1)
    ax.add_collection(lines)
    found = scores > 0
    ax.scatter(*points[found].T, s=9., c=[to_rgba(SIDES[s], .2 + .8 * a) for s, a in
                                          zip(side[found], scores[found])], linewidths=0, zorder=2)
    ax.set_xlim(limits[0])
    ax.set_ylim(limits[1][::-1])  # y down
    ax.set_aspect('equal')
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_color(PALE)


def _image_limits(seen: Seen, frames: Sequence[int]) -> Tuple[Span, Span]:
    """A square of the image around the person in these frames: around the joints that are seen
    well, if there are any."""
    points, scores = seen.points[frames], seen.scores[frames]
    points = points[scores > min(.2, .5 * scores.max())]
    if not len(points):
        return (0., 1.), (0., 1.)
    low, high = points.min(0), points.max(0)
    half = .56 * max(*(high - low), 1e-6)
    x, y = .5 * (low + high)
    return (x - half, x + half), (y - half, y + half)


def _draw_pair(ax, predicted: np.ndarray, true: np.ndarray, skeleton: Skeleton, extent: np.ndarray,
               view: Tuple[float, float], color: str) -> None:
    """Prediction over truth; thin lines join each joint with where it should be."""
    predicted, true = _upright(predicted), _upright(true)
    draw_skeleton(ax, true, skeleton, TRUTH, linewidth=4.5, joint_size=0)
    ax.add_collection3d(Line3DCollection(np.stack([_to_plot(true), _to_plot(predicted)], 1),
                                         colors=VERMILLION, linewidths=1., zorder=1))
    draw_skeleton(ax, predicted, skeleton, color, linewidth=1.9, joint_size=7.)
    frame_axes(ax, extent, view)


def _entries(clip: _Clip) -> Tuple[Tuple, ...]:
    predicted = (('predicted', BLUE, None), ) if len(clip.methods) == 1 else ()
    return (('true', TRUTH, None), *predicted, ('error', VERMILLION, None))


def _error_panel(ax, clip: _Clip, seconds: np.ndarray, fps: Optional[float]) -> None:
    """Error of each frame of each method, its mean in the legend above."""
    for (name, errors), color in zip(clip.errors.items(), _colors(clip).values()):
        mean = f'{np.nanmean(errors):.0f} mm on average'
        ax.plot(seconds, errors, color=color, linewidth=1.6, label=f'{name}: {mean}' if name
                else mean)
    tidy(ax, '', 'seconds' if fps else 'frame', 'error (mm)')
    ax.set_xlim(seconds[clip.counted][0], max(seconds[clip.counted][-1], seconds[0] + 1e-6))
    highest = max(np.nanmax(errors) for errors in clip.errors.values())
    ax.set_ylim(0., 1.12 * highest + 1e-6)
    ax.legend(fontsize=SMALL, frameon=False, loc='lower right', ncol=len(clip.methods),
              bbox_to_anchor=(1., .98), borderaxespad=0.)


def lifting_figure(predictions: Predictions, target: np.ndarray, path: PathLike,
                   skeleton: Union[str, Skeleton] = 'h36m17', seen: Optional[Seen] = None,
                   frame_mask: Optional[np.ndarray] = None, columns: int = 6,
                   fps: Optional[float] = None, title: str = 'Prediction against truth',
                   view: Tuple[float, float] = VIEW) -> Path:
    """Prediction over truth at moments of a clip, the error on top (like two_views, Fig. 3).

    A row is a method, a column a moment. Above them is what the network saw, below them the error
    of each frame of the clip.

    Args:
        predictions: (T, K, 3) mm, or such by the name of the method.
        target: (T, K, 3) mm, the root where that of the predictions is.
        path: Picture to write.
        skeleton: Layout or its name.
        seen: The 2D that went in.
        frame_mask: (T,) bool, False for frames that do not count (padding).
        columns: How many moments, evenly spread over the frames that count.
        fps: Frames per second; without it, time is in frames.
        title: Above all.
        view: Elevation and azimuth of the camera, degrees.

    Returns:
        The path.

    Raises:
        ValueError: Shapes do not fit, or there is nothing to draw.
    """
    skeleton = _as_skeleton(skeleton)
    clip = _checked(predictions, target, frame_mask, seen, skeleton)
    shown = _moments(clip.counted, columns)
    seconds = np.arange(len(clip.target)) / (fps or 1.)
    first = int(seen is not None)
    heights = [1.7] * first + [2.05] * len(clip.methods) + [1.3]
    width, height = .75 + 1.75 * len(shown), sum(heights) + 1.2
    figure = new_figure(width, height)
    grid = figure.add_gridspec(
        len(heights), len(shown), height_ratios=heights, left=.75 / width, right=.995,
        top=1. - .42 / height, bottom=.5 / height, wspace=.06, hspace=.22)
    if seen is not None:
        boxes = [_image_limits(seen, [frame]) for frame in shown]
        half = max(high - low for (low, high), _ in boxes) / 2  # one scale for all
        for column, (frame, box) in enumerate(zip(shown, boxes)):
            limits = [(sum(span) / 2 - half, sum(span) / 2 + half) for span in box]
            _draw_seen(figure.add_subplot(grid[0, column]), seen.points[frame], seen.scores[frame],
                       skeleton, limits)
        _row_name(figure, grid[0, 0], 'seen', GREY)
    for row, (name, poses) in enumerate(clip.methods.items(), first):
        color = _colors(clip)[name]
        for column, frame in enumerate(shown):
            ax = figure.add_subplot(grid[row, column], projection='3d')
            ax.set_position(_grown(grid[row, column].get_position(figure)))
            extent = np.stack([clip.target[frame], *(m[frame] for m in clip.methods.values())])
            _draw_pair(ax, poses[frame], clip.target[frame], skeleton, _upright(extent), view,
                       color)
            ax.text2D(.5, .985, f'{clip.errors[name][frame]:.0f} mm', transform=ax.transAxes,
                      ha='center', va='bottom', fontsize=LABEL + .5, color=INK, fontweight='bold')
        _row_name(figure, grid[row, 0], name, color)
    ax = figure.add_subplot(grid[-1, :])
    _error_panel(ax, clip, seconds, fps)
    for frame in shown:
        ax.axvline(seconds[frame], color=GREY, linewidth=.8, linestyle=(0, (3, 2)), zorder=0)
    figure.suptitle(title, fontsize=TITLE + 1, color=INK, x=.12 / width, y=1., ha='left', va='top')
    _legend(figure, _entries(clip), y=.02 / height)
    return save(figure, path)


def _row_name(figure, cell, name: str, color: str) -> None:
    place = cell.get_position(figure)
    figure.text(.12 / figure.get_figwidth(), .5 * (place.y0 + place.y1), name, rotation=90,
                ha='left', va='center', fontsize=LABEL + .5, color=color, fontweight='bold')


def _grown(place, share: float = .09):
    """A panel's place, larger: 3D axes leave a margin of their own."""
    return place.expanded(1. + 2. * share, 1. + 2. * share)


def _moments(counted: np.ndarray, columns: int) -> np.ndarray:
    """Numbers of frames, evenly spread over those that count."""
    frames = np.flatnonzero(counted)
    count = min(max(columns, 1), len(frames))
    middles = (np.arange(count) + .5) * len(frames) / count
    return frames[middles.astype(int)]


def animate_lifting(predictions: Predictions, target: np.ndarray, path: PathLike,
                    skeleton: Union[str, Skeleton] = 'h36m17', seen: Optional[Seen] = None,
                    frame_mask: Optional[np.ndarray] = None, fps: float = 30., stride: int = 1,
                    title: str = '', view: Tuple[float, float] = VIEW, dpi: int = 80) -> Path:
    """A GIF of a clip: what the network saw, the poses over the true ones, and the error so far.

    One method is shown from the recording camera's side and from the side; several side by side.

    Args:
        predictions, target, path, skeleton, seen, frame_mask, title, view: As for
            :func:`lifting_figure`.
        fps: Frames per second of the clip.
        stride: Draw every stride-th frame, at the same speed.
        dpi: Resolution.

    Returns:
        The path.

    Raises:
        ValueError: Shapes do not fit, or there is nothing to draw.
    """
    skeleton = _as_skeleton(skeleton)
    clip = _checked(predictions, target, frame_mask, seen, skeleton)
    frames = np.flatnonzero(clip.counted)[::stride]
    panels = [(name, name, view) for name in clip.methods]
    if len(panels) == 1:
        only = panels[0][0]
        panels = [(only, 'near the camera', view), (only, 'from the side', SIDE_VIEW)]
    count = len(panels) + (seen is not None)
    width, height = 2.9 * count, 4.6
    figure = new_figure(width, height)
    grid = figure.add_gridspec(2, count, height_ratios=(3., 1.), left=.02, right=.98,
                               top=1. - .85 / height, bottom=.5 / height, wspace=.04, hspace=.2)
    figure.suptitle(title, fontsize=TITLE, color=INK, x=.02, y=1. - .1 / height, ha='left',
                    va='top')
    _legend(figure, _entries(clip), y=1., x=1.)
    seconds = np.arange(len(clip.target)) / fps
    extent = _upright(np.concatenate([clip.target[frames], *(poses[frames] for poses
                                                             in clip.methods.values())]))
    axes = [figure.add_subplot(grid[0, count - len(panels) + n], projection='3d')
            for n in range(len(panels))]
    for ax in axes:
        ax.set_position(_grown(ax.get_position()))
    if seen is not None:
        image, limits = figure.add_subplot(grid[0, 0]), _image_limits(seen, frames)
    chart = figure.add_subplot(grid[1, :])
    place = chart.get_position()
    chart.set_position([.7 / width, place.y0, 1. - .95 / width, place.height])
    _error_panel(chart, clip, seconds, fps)
    now = chart.axvline(seconds[frames[0]], color=INK, linewidth=1.4)
    colors = _colors(clip)

    def show(number: int):
        frame = frames[number]
        for ax, (name, head, angles) in zip(axes, panels):
            _empty(ax)
            _draw_pair(ax, clip.methods[name][frame], clip.target[frame], skeleton, extent, angles,
                       colors[name])
            ax.text2D(.5, .97, f'{head}   {clip.errors[name][frame]:.0f} mm', ha='center',
                      va='bottom', transform=ax.transAxes, fontsize=LABEL + .5, color=INK)
        if seen is not None:
            _empty(image)
            _draw_seen(image, seen.points[frame], seen.scores[frame], skeleton, limits)
            image.set_title('seen', fontsize=LABEL + .5, color=INK)
        now.set_xdata([seconds[frame]] * 2)

    return write_movie(figure, show, len(frames), fps / stride, path, dpi)


def _empty(ax) -> None:
    """Take away what was drawn; cheaper than ``ax.clear()``, which makes new axes."""
    for artist in (*ax.collections, *ax.texts):
        artist.remove()
