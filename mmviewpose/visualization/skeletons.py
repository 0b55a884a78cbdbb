"""Skeletons in 3D, the denoising figure and the view-transfer figure of SeBiReNet.

Poses are (K, 3) millimetres with y up. Pictures look along the depth axis that `view` gives.
"""
from pathlib import Path
from typing import Optional, Sequence, Tuple, Union

import numpy as np
from matplotlib.lines import Line2D
from mpl_toolkits.mplot3d.art3d import Line3DCollection

from mmviewpose.skeletons import Skeleton, get_skeleton

from .style import (BLUE, GREEN, GREY, INK, LABEL, ORANGE, PALE, TITLE, VERMILLION, PathLike,
                    new_figure, save, shades)

VIEW = (12., -62.)          # elevation and azimuth of the camera, degrees
SIDES = (INK, BLUE, VERMILLION)    # middle, left, right


def _as_skeleton(skeleton: Union[str, Skeleton]) -> Skeleton:
    return get_skeleton(skeleton) if isinstance(skeleton, str) else skeleton


def _to_plot(positions: np.ndarray) -> np.ndarray:
    """y-up to matplotlib's z-up axes by a rotation, so that left stays left."""
    x, y, z = np.moveaxis(np.asarray(positions, dtype=float), -1, 0)
    return np.stack([x, -z, y], axis=-1)


def sides(skeleton: Skeleton) -> np.ndarray:
    """(K,) 0 for joints of the middle, 1 for left and 2 for right ones."""
    side = np.zeros(skeleton.num_joints, dtype=int)
    for left, right in skeleton.flip_pairs:
        side[left], side[right] = 1, 2
    return side


def draw_skeleton(ax, positions: np.ndarray, skeleton: Union[str, Skeleton] = 'ape17',
                  color: Union[str, Sequence[str], None] = None,
                  highlight: Optional[Sequence[int]] = None, highlight_color: str = ORANGE,
                  linewidth: float = 2., alpha: float = 1., joint_size: float = 9.) -> None:
    """Draw one pose into 3D axes.

    Left and right stay apart in one colour too: the right side is drawn in a lighter shade of it.

    Args:
        ax: Axes with ``projection='3d'``.
        positions: (K, 3) mm, y up.
        skeleton: Layout or its name.
        color: One colour (hex) for all, three for middle, left and right, or the default three.
        highlight: Joints to ring.
        highlight_color: Of the rings.
        linewidth: Of the bones, points.
        alpha: Opacity.
        joint_size: Area of the joint dots, points squared; 0 for none.

    Raises:
        ValueError: The number of joints is not the skeleton's.
    """
    skeleton = _as_skeleton(skeleton)
    points = _to_plot(positions)
    if points.shape != (skeleton.num_joints, 3):
        raise ValueError(f'{skeleton.name} needs positions of shape ({skeleton.num_joints}, 3), '
                         f'got {points.shape}')
    if color is None:
        palette = SIDES
    elif isinstance(color, str):
        palette = (color, color, shades(color, .45))
    else:
        palette = tuple(color)
    # A bone takes the side of its child: the shoulder's bone already belongs to the arm.
    colors = [palette[side] for side in sides(skeleton)]
    child, parent = np.array(skeleton.bones).T
    ax.add_collection3d(Line3DCollection(
        np.stack([points[parent], points[child]], axis=1), colors=[colors[c] for c in child],
        linewidths=linewidth, alpha=alpha, capstyle='round', zorder=1))
    if joint_size:
        # A round head shows which way is up.
        sizes = [5. * joint_size if name == 'head' else joint_size for name in skeleton.joints]
        ax.scatter(*points.T, s=sizes, c=colors, alpha=alpha, depthshade=False, linewidths=0,
                   zorder=1)
    if highlight is not None and len(highlight):
        ax.scatter(*points[np.asarray(highlight, dtype=int)].T, s=7. * max(joint_size, 6.),
                   facecolors='none', edgecolors=highlight_color, linewidths=1.6,
                   depthshade=False, zorder=2)


def frame_axes(ax, positions: np.ndarray, view: Tuple[float, float] = VIEW,
               ground: bool = True) -> None:
    """Equal scales around all given poses, no ticks, and optionally a floor under them.

    Args:
        ax: 3D axes.
        positions: (..., K, 3) mm, y up: everything that must be inside.
        view: Elevation and azimuth of the camera, degrees.
        ground: Draw a grid at the lowest point.
    """
    points = _to_plot(positions).reshape(-1, 3)
    points = points[np.isfinite(points).all(axis=1)]
    low, high = points.min(axis=0), points.max(axis=0)
    middle = .5 * (low + high)
    half = .5 * np.maximum(high - low, 1.)
    half[:2] = max(half[:2].max(), .42 * half[2])
    ax.set_xlim(middle[0] - half[0], middle[0] + half[0])
    ax.set_ylim(middle[1] - half[1], middle[1] + half[1])
    ax.set_zlim(low[2], high[2])
    # As large as the panel allows: the box as the camera sees it, against its diagonal.
    elevation, azimuth = np.deg2rad(view)
    across = half[0] * (abs(np.sin(azimuth)) + abs(np.cos(azimuth)))
    tall = half[2] * abs(np.cos(elevation)) + across * abs(np.sin(elevation))
    zoom = 0.9 * np.linalg.norm(half) / max(across, tall)
    ax.set_box_aspect(half.copy(), zoom=zoom)     # a copy: matplotlib scales the array in place
    ax.computed_zorder = False    # what is drawn later lies in front, not what is nearer
    ax.view_init(*view)
    ax.set_proj_type('ortho')
    ax.set_axis_off()
    if ground:
        lines = []
        for t in np.linspace(-1., 1., 5):
            for a, b in (((t, -1.), (t, 1.)), ((-1., t), (1., t))):
                lines.append([(middle[0] + p[0] * half[0], middle[1] + p[1] * half[1], low[2])
                              for p in (a, b)])
        ax.add_collection3d(Line3DCollection(lines, colors=PALE, linewidths=.7, zorder=0))


def _mpjpe(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b, axis=-1).mean())


def _cells(rows: int, columns: int, width: float = 2.1, height: float = 2.5):
    figure = new_figure(width * columns, height * rows + .7)
    axes = [[figure.add_subplot(rows, columns, r * columns + c + 1, projection='3d')
             for c in range(columns)] for r in range(rows)]
    top = 1. - .62 / (height * rows + .7)
    figure.subplots_adjust(left=0, right=1, bottom=.02, top=top, wspace=0, hspace=.16)
    return figure, axes


def _legend(figure, entries, y: float = 0., x: float = .5) -> None:
    """A legend in a row whose top is at ``y``: in the middle, or with ``x=1`` at the right."""
    handles = [Line2D([], [], color=color, linewidth=2.5, label=label) if marker is None else
               Line2D([], [], color=color, marker=marker, markerfacecolor='none', markersize=8,
                      markeredgewidth=1.6, linestyle='', label=label)
               for label, color, marker in entries]
    figure.legend(handles=handles, loc='upper center' if x < 1. else 'upper right',
                  bbox_to_anchor=(x, y), ncol=len(handles), frameon=False, fontsize=LABEL)


def denoising_figure(true: np.ndarray, corrupted: np.ndarray, recovered: np.ndarray,
                     moved: np.ndarray, skeleton: Union[str, Skeleton], path: PathLike,
                     title: str = 'Pose recovery from corrupted skeletons',
                     view: Tuple[float, float] = VIEW, max_rows: int = 6) -> Path:
    """True, corrupted and recovered poses side by side and overlaid (like SeBiReNet, Fig. 3).

    Args:
        true, corrupted, recovered: (N, K, 3) mm, y up, in one coordinate frame.
        moved: (N, K) bool, the corrupted joints.
        skeleton: Layout or its name.
        path: Picture to write.
        title: Above all.
        view: Elevation and azimuth of the camera, degrees.
        max_rows: Only the first rows are drawn.

    Returns:
        The path.
    """
    skeleton = _as_skeleton(skeleton)
    true, corrupted, recovered = (np.asarray(a)[:max_rows] for a in (true, corrupted, recovered))
    moved = np.asarray(moved, dtype=bool)[:max_rows]
    if not len(true):
        raise ValueError('no poses to draw')
    figure, axes = _cells(len(true), 4)
    for row, (good, bad, ours, joints) in enumerate(zip(true, corrupted, recovered, moved)):
        rings = np.flatnonzero(joints)
        panels = (((good, GREEN, None),), ((bad, VERMILLION, rings),), ((ours, BLUE, None),),
                  ((good, GREEN, None), (bad, VERMILLION, None), (ours, BLUE, None)))
        plural = '' if len(rings) == 1 else 's'
        heads = ('true', f'{len(rings)} joint{plural} moved', 'recovered', 'overlaid')
        feet = ('', f'{_mpjpe(bad, good):.0f} mm', f'{_mpjpe(ours, good):.0f} mm', '')
        colors = (GREEN, VERMILLION, BLUE, INK)
        extent = np.stack([good, bad, ours])
        for column, ax in enumerate(axes[row]):
            for pose, color, ringed in panels[column]:
                faint = column == 3 and color == VERMILLION
                draw_skeleton(ax, pose, skeleton, color, ringed, highlight_color=INK,
                              alpha=.4 if faint else 1., linewidth=1.6 if column == 3 else 2.2)
            frame_axes(ax, extent, view)
            if row == 0 or column == 1:
                ax.text2D(.5, 1., heads[column], transform=ax.transAxes, ha='center', va='bottom',
                          fontsize=LABEL, color=colors[column],
                          fontweight='bold' if column != 1 else 'normal')
            ax.text2D(.5, -.02, feet[column], transform=ax.transAxes, ha='center', va='top',
                      fontsize=LABEL, color=colors[column])
    figure.suptitle(title, fontsize=TITLE + 1, color=INK, y=1.)
    _legend(figure, (('moved joint', INK, 'o'),
                     ('left side strong, right side light', GREY, None),
                     ('number: MPJPE against the true pose', 'none', None)))
    return save(figure, path)


def transfer_figure(pose_a: np.ndarray, pose_b: np.ndarray, transferred_ab: np.ndarray,
                    transferred_ba: np.ndarray, skeleton: Union[str, Skeleton], path: PathLike,
                    title: str = 'View transfer: the pose of one input, the view of the other',
                    view: Tuple[float, float] = VIEW, max_rows: int = 4) -> Path:
    """Two views of a pose and what the decoder makes of swapped view codes (SeBiReNet, Eq. 10).

    A light true pose lies behind each transferred one: what it should be if the codes held pose
    and view apart.

    Args:
        pose_a, pose_b: (N, K, 3) mm, the same poses in two views.
        transferred_ab: (N, K, 3) from the pose code of a and the view code of b: should equal b.
        transferred_ba: The reverse: should equal a.
        skeleton: Layout or its name.
        path: Picture to write.
        title: Above all.
        view: Elevation and azimuth of the camera, degrees.
        max_rows: Only the first rows are drawn.

    Returns:
        The path.
    """
    skeleton = _as_skeleton(skeleton)
    a, b, ab, ba = (np.asarray(p)[:max_rows] for p in (pose_a, pose_b, transferred_ab,
                                                       transferred_ba))
    if not len(a):
        raise ValueError('no poses to draw')
    figure, axes = _cells(len(a), 4)
    heads = ('input, view A', 'input, view B', 'pose of A, view of B', 'pose of B, view of A')
    for row in range(len(a)):
        panels = ((a[row], None), (b[row], None), (ab[row], b[row]), (ba[row], a[row]))
        extent = np.stack([a[row], b[row], ab[row], ba[row]])
        for column, (ax, (pose, wanted)) in enumerate(zip(axes[row], panels)):
            if wanted is not None:
                draw_skeleton(ax, wanted, skeleton, (GREY, GREY, GREY), alpha=.45, linewidth=3.5,
                              joint_size=0)
                ax.text2D(.5, -.02, f'{_mpjpe(pose, wanted):.0f} mm', transform=ax.transAxes,
                          ha='center', va='top', fontsize=LABEL, color=INK)
            draw_skeleton(ax, pose, skeleton)
            frame_axes(ax, extent, view)
            if row == 0:
                ax.text2D(.5, 1.02, heads[column], transform=ax.transAxes, ha='center', va='bottom',
                          fontsize=LABEL, color=INK, fontweight='bold')
    figure.suptitle(title, fontsize=TITLE + 1, color=INK, y=1.)
    _legend(figure, (('left side', BLUE, None), ('right side', VERMILLION, None),
                     ('wanted pose; number: MPJPE against it', shades(GREY, .5), None)))
    return save(figure, path)
