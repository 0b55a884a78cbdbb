"""The look of all figures, and how they are written: without pyplot's state and a display."""
from pathlib import Path
from typing import Union

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mmviewpose.files import atomic_path

PathLike = Union[str, Path]

# Okabe and Ito's palette: told apart with any common colour blindness and in grey print.
BLUE, VERMILLION, GREEN, ORANGE = '#0072B2', '#D55E00', '#009E73', '#E69F00'
PURPLE, SKY, YELLOW = '#CC79A7', '#56B4E9', '#F0E442'
INK, GREY, PALE = '#222222', '#8A8A8A', '#E3E3E3'
CATEGORIES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, INK, '#8C6D31', GREY, '#6A51A3',
              '#B15928', '#E7298A')

TITLE, LABEL, SMALL = 11., 9.5, 8.


def new_figure(width: float, height: float) -> Figure:
    """A figure of `width` x `height` inches with an Agg canvas of its own."""
    figure = Figure(figsize=(width, height), facecolor='white')
    FigureCanvasAgg(figure)
    return figure


def tidy(ax, title: str = '', xlabel: str = '', ylabel: str = '') -> None:
    """Plain axes: two spines, a faint grid behind the data, named axes."""
    for side in ('top', 'right'):
        ax.spines[side].set_visible(False)
    for side in ('left', 'bottom'):
        ax.spines[side].set_color(GREY)
    ax.tick_params(colors=INK, labelsize=SMALL, length=3, color=GREY)
    ax.grid(True, color=PALE, linewidth=.7)
    ax.set_axisbelow(True)
    ax.set_title(title, fontsize=TITLE, color=INK, loc='left')
    ax.set_xlabel(xlabel, fontsize=LABEL, color=INK)
    ax.set_ylabel(ylabel, fontsize=LABEL, color=INK)


def save(figure: Figure, path: PathLike, dpi: int = 150) -> Path:
    """Write the figure whole or not at all; the suffix gives the format (.png, .pdf, .svg).

    Returns:
        The path.
    """
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=dpi, facecolor='white', bbox_inches='tight', pad_inches=.12)
    return Path(path)


def shades(color: str, amount: float) -> str:
    """A hex colour mixed with white: 0 leaves it, 1 is white."""
    channels = (int(color[i:i + 2], 16) for i in (1, 3, 5))
    return '#' + ''.join(f'{round(c + (255 - c) * amount):02x}' for c in channels)
