"""What lifters make of single 2D poses, seen from the front and from the side."""
from pathlib import Path
from typing import Mapping, Union

import numpy as np
from matplotlib.collections import LineCollection

from mmviewpose.skeletons import Skeleton

from .lifting import METHODS, TRUTH
from .skeletons import SIDES, _as_skeleton, _legend, draw_skeleton, frame_axes, sides
from .style import INK, LABEL, TITLE, PathLike, new_figure, save

SIDE = (6., -8.)    # elevation and azimuth, degrees: depth to the left and right
CELL = 1.75         # inches


def lifted_poses_figure(predictions: Mapping[str, np.ndarray], target: np.ndarray,
                        points: np.ndarray, path: PathLike,
                        skeleton: Union[str, Skeleton] = 'ape17',
                        title: str = 'Lifted from 2D, seen from the side') -> Path:
    """Prediction over truth for some poses, a row a method, below what the lifter saw.

    Args:
        predictions: Poses (N, K, 3) mm about their root by the name of the method; y up, z towards
            the camera.
        target: True poses (N, K, 3).
        points: The 2D that went in, (N, K, 2), y up.
        path: Picture to write.
        skeleton: Layout or its name.
        title: Above all.

    Returns:
        The path.

    Raises:
        ValueError: Shapes do not fit.
    """
    skeleton = _as_skeleton(skeleton)
    target, points = np.asarray(target, float), np.asarray(points, float)
    shape = (len(target), skeleton.num_joints)
    for name, found, wanted in (('target', target.shape, (*shape, 3)),
                                ('points', points.shape, (*shape, 2)),
                                *((f'prediction {name!r}', np.shape(poses), (*shape, 3))
                                  for name, poses in predictions.items())):
        if found != wanted or not shape[0]:
            raise ValueError(f'{name} must be {wanted} in {skeleton.name}, got {found}')
    rows, columns = 1 + len(predictions), shape[0]
    figure = new_figure(CELL * columns + .4, CELL * rows + .75)
    grid = figure.add_gridspec(rows, columns, left=.4 / (CELL * columns + .4), right=1., bottom=0.,
                               top=1. - .75 / (CELL * rows + .75), wspace=0., hspace=.02)
    half = 1.1 * np.abs(points - points[:, :1]).max()
    for column in range(columns):
        _draw_points(figure.add_subplot(grid[0, column]), points[column], skeleton, half)
        for row, (name, poses) in enumerate(predictions.items(), 1):
            ax = figure.add_subplot(grid[row, column], projection='3d')
            draw_skeleton(ax, target[column], skeleton, TRUTH, linewidth=4., joint_size=0)
            draw_skeleton(ax, poses[column], skeleton, _color(row), linewidth=1.8, joint_size=5.)
            frame_axes(ax, np.stack([target[column], poses[column]]), SIDE, ground=False)
    for row, (name, color) in enumerate((('2D', INK), *((name, _color(number)) for number, name in
                                                        enumerate(predictions, 1)))):
        place = grid[row, 0].get_position(figure)
        figure.text(.1 / figure.get_figwidth(), .5 * (place.y0 + place.y1), name, rotation=90,
                    va='center', fontsize=LABEL, color=color, fontweight='bold')
    figure.text(.1 / figure.get_figwidth(), 1. - .12 / figure.get_figheight(), title, va='top',
                fontsize=TITLE + 1, color=INK)
    _legend(figure, [('truth', TRUTH, None)], 1. - .34 / figure.get_figheight(), 1.)
    return save(figure, path)


def _color(row: int) -> str:
    return METHODS[(row - 1) % len(METHODS)]


def _draw_points(ax, points: np.ndarray, skeleton: Skeleton, half: float) -> None:
    """A 2D pose about the middle of its extent, all to one scale."""
    child, parent = np.array(skeleton.bones).T
    side = sides(skeleton)
    ax.add_collection(LineCollection(np.stack([points[parent], points[child]], 1), linewidths=1.8,
                                     colors=[SIDES[side[joint]] for joint in child]))
    middle = .5 * (points.min(0) + points.max(0))
    ax.set_xlim(middle[0] - half, middle[0] + half)
    ax.set_ylim(middle[1] - half, middle[1] + half)
    ax.set_aspect('equal')
    ax.set_axis_off()
