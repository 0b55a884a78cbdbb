"""Clips as animated GIFs."""
from pathlib import Path
from typing import Callable, Optional, Sequence, Tuple, Union

import numpy as np
from matplotlib.animation import PillowWriter
from matplotlib.figure import Figure

from mmviewpose.files import atomic_path
from mmviewpose.skeletons import Skeleton

from .skeletons import VIEW, draw_skeleton, frame_axes
from .style import INK, LABEL, TITLE, PathLike, new_figure


def animate_clip(positions: np.ndarray, path: PathLike, second: Optional[np.ndarray] = None,
                 skeleton: Union[str, Skeleton] = 'ape17', fps: float = 30., title: str = '',
                 names: Sequence[str] = ('', ''), follow: bool = True, stride: int = 1,
                 view: Tuple[float, float] = VIEW, dpi: int = 80) -> Path:
    """A GIF of one clip, or of two side by side.

    Args:
        positions: (T, K, 3) mm, y up.
        path: GIF to write.
        second: Another (T, K, 3), drawn beside the first.
        skeleton: Layout or its name.
        fps: Frames per second of the clip.
        title: Above all.
        names: Above each clip.
        follow: Keep the pelvis in the middle; otherwise the camera stands still.
        stride: Draw every stride-th frame, at the same speed.
        view: Elevation and azimuth of the camera, degrees.
        dpi: Resolution.

    Returns:
        The path.

    Raises:
        ValueError: No frames, or clips of different length.
    """
    clips = [np.asarray(clip, dtype=float)[::stride]
             for clip in (positions, second) if clip is not None]
    if not len(clips[0]) or any(len(clip) != len(clips[0]) for clip in clips):
        raise ValueError(f'need clips of one length, got {[len(clip) for clip in clips]} frames')
    if follow:
        clips = [clip - clip[:, :1] * [1., 0., 1.] for clip in clips]
    figure = new_figure(3.2 * len(clips), 3.6)
    axes = [figure.add_subplot(1, len(clips), n + 1, projection='3d') for n in range(len(clips))]
    figure.subplots_adjust(left=0, right=1, bottom=0, top=.86, wspace=0)
    figure.suptitle(title, fontsize=TITLE, color=INK)
    extent = np.concatenate(clips)

    def show(frame: int):
        for ax, clip, name in zip(axes, clips, names):
            ax.clear()
            draw_skeleton(ax, clip[frame], skeleton)
            frame_axes(ax, extent, view)
            ax.set_title(name, fontsize=LABEL, color=INK)

    return write_movie(figure, show, len(clips[0]), fps / stride, path, dpi)


def write_movie(figure: Figure, show: Callable[[int], None], count: int, fps: float,
                path: PathLike, dpi: int = 80) -> Path:
    """Write a GIF whole or not at all.

    Args:
        figure: What is filmed.
        show: Draws the frame of a number.
        count: How many frames.
        fps: Frames per second; at least 1 is taken.
        path: GIF to write.
        dpi: Resolution.

    Returns:
        The path.
    """
    writer = PillowWriter(fps=max(fps, 1.))
    with atomic_path(path) as temporary, writer.saving(figure, temporary, dpi):
        for number in range(count):
            show(number)
            writer.grab_frame()
    return Path(path)
