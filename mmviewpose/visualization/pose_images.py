"""Images of several views of some moments, and the poses that were made of each."""
from pathlib import Path
from typing import Optional, Sequence, Union

import numpy as np

from mmviewpose.skeletons import Skeleton

from .skeletons import VIEW, _as_skeleton, _legend, _mpjpe, draw_skeleton, frame_axes
from .style import BLUE, GREY, INK, LABEL, SMALL, VERMILLION, PathLike, new_figure, save, shades
from .view_images import GAP, LINE, MARGIN, _check_names, _head, _lines, _show, _text, _title

CELL = 1.3              # inches a picture
SIDE = (6., -8.)        # elevation and azimuth, degrees: from the person's left
ROWS = (('from the front', VIEW), ('from the side', SIDE))
A_LINE = 2              # groups side by side
# A constant pose is the same for all views too.
NOTE = ('each pose is predicted from the image above it alone: good ones are the same for all '
        'views and lie on the true pose')


def pose_images_figure(images: np.ndarray, poses: Optional[np.ndarray], target: np.ndarray,
                       skeleton: Union[str, Skeleton], path: PathLike,
                       names: Optional[Sequence[Sequence[str]]] = None,
                       moments: Optional[Sequence[str]] = None,
                       title: str = 'Moments seen by several cameras') -> Path:
    """A group of columns a moment, a column a view: what the camera saw, and below it the pose
    predicted from that image alone, from the front and from the side, over the true pose in grey,
    with its MPJPE.

    All poses of a moment are drawn to one scale.

    Args:
        images: ``(N, V, 3, S, S)`` RGB, uint8 or in [0, 1].
        poses: Predicted poses ``(N, V, K, 3)``, mm about the root, y up, the same axes for all
            views; None shows the true pose alone.
        target: True poses ``(N, K, 3)``.
        skeleton: Layout or its name.
        path: Picture to write.
        names: Of the V views of each of the N moments.
        moments: Names of the moments.
        title: Above all; further lines are smaller. What to look for is added to it.

    Returns:
        The path.

    Raises:
        ValueError: Shapes that do not fit each other or the layout, nothing to draw, or names that
            are not as many.
    """
    skeleton, images = _as_skeleton(skeleton), np.asarray(images)
    target = np.asarray(target, float)[:, None]
    _check(images, poses, target, skeleton)
    count, views = images.shape[:2]
    _check_names(moments, count, 'moments')
    _check_names(names, count, 'moments')
    for some in names or ():
        _check_names(some, views, 'views')
    shown = target if poses is None else np.asarray(poses, float)
    rows = [(f'true pose\n{what}' if poses is None else f'predicted\n{what}', view)
            for what, view in ROWS]
    title = title if poses is None else f'{title}\n{NOTE}'
    over = LINE * ((names is not None) + (moments is not None))
    under = 0. if poses is None else LINE
    group, line = views * CELL + GAP, over + (1 + len(rows)) * CELL + under + GAP
    lines, head = -(-count // A_LINE), _head(title) + 2. * LINE
    figure = new_figure(MARGIN + min(count, A_LINE) * group - GAP + .1, head + lines * line - GAP)
    _title(figure, title)
    known = () if poses is None else (('left', BLUE, None), ('right', VERMILLION, None))
    number = () if poses is None else (('number: MPJPE', 'none', None), )
    _legend(figure, (*known, ('true pose', shades(GREY, .4), None), *number),
            1. - (_head(title) - .5 * LINE) / figure.get_figheight())
    for moment in range(count):
        left = MARGIN + moment % A_LINE * group
        top = figure.get_figheight() - head - moment // A_LINE * line
        if moments is not None:
            _text(figure, left + views * CELL / 2, top - LINE, moments[moment], fontsize=LABEL)
        top -= over
        if moment % A_LINE == 0:
            for place, (what, _) in enumerate((('input', None), *rows)):
                _lines(figure, .1, top - (place + .5) * CELL, what)
        for view in range(views):
            _show(figure, _rgb(images[moment, view]), left + view * CELL, top - CELL, CELL)
            if names is not None:
                _text(figure, left + (view + .5) * CELL, top + .04, names[moment][view],
                      fontsize=SMALL, color=GREY)
        extent = np.concatenate([shown[moment], target[moment]])
        # the true pose alone is drawn once, in the middle of its views
        first = left + (views - len(shown[moment])) * CELL / 2
        for place, pose in enumerate(shown[moment]):
            for row, (_, camera) in enumerate(rows):
                ax = _space(figure, first + place * CELL, top - (row + 2) * CELL)
                draw_skeleton(ax, target[moment, 0], skeleton, (shades(GREY, .4), ) * 3,
                              linewidth=3.5, joint_size=0)
                if poses is not None:
                    draw_skeleton(ax, pose, skeleton, linewidth=1.6, joint_size=3.)
                frame_axes(ax, extent, camera, ground=False)
            if poses is not None:
                _text(figure, first + (place + .5) * CELL, top - (1 + len(rows)) * CELL - .6 * LINE,
                      f'{_mpjpe(pose, target[moment, 0]):.0f} mm', fontsize=LABEL, color=INK)
    return save(figure, path)


def _check(images: np.ndarray, poses: Optional[np.ndarray], target: np.ndarray,
           skeleton: Skeleton) -> None:
    if images.ndim != 5 or images.shape[2] != 3 or not images.size:
        raise ValueError(f'images must be (N, V, 3, S, S), got {images.shape}')
    count, views, joints = *images.shape[:2], skeleton.num_joints
    if target.shape != (count, 1, joints, 3):
        raise ValueError(f'target must be {(count, joints, 3)} in {skeleton.name}, got '
                         f'{(*target.shape[:1], *target.shape[2:])}')
    if poses is not None and np.shape(poses) != (count, views, joints, 3):
        raise ValueError(f'poses must be {(count, views, joints, 3)} in {skeleton.name}, got '
                         f'{np.shape(poses)}')


def _rgb(image: np.ndarray) -> np.ndarray:
    """An image ``(3, S, S)`` as ``(S, S, 3)`` for matplotlib."""
    image = np.moveaxis(image, 0, -1)
    return image if image.dtype == np.uint8 else np.clip(image.astype(float), 0., 1.)


def _space(figure, left: float, bottom: float):
    """3D axes of a square cell, in inches."""
    width, height = figure.get_size_inches()
    return figure.add_axes([left / width, bottom / height, CELL / width, CELL / height],
                           projection='3d')
