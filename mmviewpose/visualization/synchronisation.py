"""How two recordings were matched in time: the curve of agreement, and a motion that both saw."""
import textwrap
from pathlib import Path
from typing import Any, Sequence, Tuple

import numpy as np

from .style import (BLUE, GREEN, GREY, INK, LABEL, PALE, SMALL, TITLE, VERMILLION, PathLike,
                    new_figure, save, shades, tidy)

_LONGEST = 12.      # seconds of motion that are drawn


def synchronisation_figure(match: Any, motion: Any, path: PathLike,
                           names: Sequence[str] = ('camera 1', 'camera 2'), joint: str = 'joint',
                           title: str = 'Synchronisation') -> Path:
    """Agreement at each offset, and one joint's height before and after the shift.

    Args:
        match: Fields of `functional.synchronisation.TimeOffset`: ``seconds``, ``agreement``,
            ``evidence``, ``margin``, ``second``, ``offsets``, ``curve``, ``doubt``.
        motion: Fields of `functional.synchronisation.SharedMotion`: ``times_a``, ``height_a``,
            ``times_b``, ``height_b``. Of long recordings the 12 s of most motion are drawn.
        path: Picture to write.
        names: Of the two cameras.
        joint: Name of the joint that moves.
        title: Above all.

    Returns:
        The path.
    """
    figure = new_figure(8.4, 7.)
    # A thin empty row parts the curve from the two panels below it, which share their time axis.
    curve, spacer, before, after = figure.subplots(
        4, 1, gridspec_kw=dict(height_ratios=(1.3, .12, 1., 1.), hspace=.38))
    spacer.set_axis_off()
    _curve_panel(curve, match, names)
    low, high = _window(motion, match.seconds)
    for ax, shift, head in ((before, 0., 'as recorded'),
                            (after, match.seconds, f'{names[1]} moved by {match.seconds:+.2f} s')):
        for times, height, color, name in (
                (motion.times_a, motion.height_a, BLUE, names[0]),
                (motion.times_b + shift, motion.height_b, VERMILLION, names[1])):
            shown = (times >= low) & (times <= high)
            ax.plot(times[shown], height[shown], color=color, linewidth=1.6, label=name)
        tidy(ax, head, '', '')
        ax.set_xlim(low, high)
    before.set_xticklabels([])
    after.set_xlabel(f'seconds of {names[0]}', fontsize=LABEL, color=INK)
    before.legend(fontsize=SMALL + .5, frameon=False, loc='lower right', ncol=2,
                  bbox_to_anchor=(1., .99), borderaxespad=0.)
    figure.suptitle(title, fontsize=TITLE + 1, color=INK, x=.01, y=.985, ha='left')
    figure.subplots_adjust(left=.09, right=.985, bottom=.075, top=.89 if match.doubt else .91)
    middle = .5 * (before.get_position().y1 + after.get_position().y0)
    figure.text(.015, middle, f'up and down of the {joint} (body sizes)', rotation=90,
                va='center', ha='center', fontsize=LABEL, color=INK)
    return save(figure, path)


def _curve_panel(ax, match: Any, names: Sequence[str]) -> None:
    clear = not match.doubt
    color = GREEN if clear else VERMILLION
    # Values below the usual level carry nothing: the axis starts a little under it.
    floor = max(0., float(np.quantile(match.curve, .02)) - .08)
    ax.fill_between(match.offsets, floor, match.curve, color=shades(GREY, .72), linewidth=0)
    ax.plot(match.offsets, match.curve, color=INK, linewidth=1.4)
    ax.axvline(match.seconds, color=color, linewidth=1.4, linestyle=(0, (4, 2)), zorder=3)
    ax.scatter([match.seconds], [match.agreement], s=46, color=color, zorder=4)
    second = float(np.interp(match.second, match.offsets, match.curve))
    ax.scatter([match.second], [second], s=34, facecolors='white', edgecolors=INK, linewidths=1.3,
               zorder=4)
    ax.annotate(f'next best {match.second:+.2f} s', (match.second, second), (0, 7),
                textcoords='offset points', ha='center', fontsize=SMALL, color=INK,
                bbox=dict(facecolor='white', edgecolor='none', alpha=.8, pad=.8))
    left = match.seconds > .45 * match.offsets[-1]
    ax.annotate(f'{match.seconds:+.3f} s', (match.seconds, match.agreement),
                (-9 if left else 9, 2), textcoords='offset points', ha='right' if left else 'left',
                fontsize=LABEL + 1, color=color, fontweight='bold')
    verdict = 'clear' if clear else '\n'.join(textwrap.wrap(f'not clear: {match.doubt}', 100))
    tidy(ax, '', f'{names[1]} begins this much later than {names[0]} (s)', 'agreement')
    ax.set_title(f'{verdict}\n' * (not clear) + f'agreement {match.agreement:.2f} of 1, evidence '
                 f'{match.evidence:.0f}, margin {match.margin:.2f}' + ', clear' * clear,
                 fontsize=LABEL, color=color, loc='left')
    ax.set_xlim(match.offsets[0], match.offsets[-1])
    ax.set_ylim(floor, match.agreement + .16 * (match.agreement - floor))
    ax.axhline(floor, color=PALE, linewidth=.7)


def _window(motion: Any, seconds: float) -> Tuple[float, float]:
    """First and last second of camera a's time to draw: all, or where most happens in both."""
    low = min(0., seconds)
    high = max(motion.times_a[-1], motion.times_b[-1] + seconds)
    if high - low <= _LONGEST:
        return low, high
    first, last = max(0., seconds), min(motion.times_a[-1], motion.times_b[-1] + seconds)
    step = motion.times_a[1] - motion.times_a[0]
    change = np.abs(np.diff(np.nan_to_num(motion.height_a), prepend=0.))
    change *= (motion.times_a >= first) & (motion.times_a <= last)
    length = int(_LONGEST / step)
    total = np.cumsum(np.pad(change, (1, length)))
    start = int((total[length:] - total[:-length]).argmax()) * step
    start = float(np.clip(start, first, max(first, last - _LONGEST)))
    return start, start + _LONGEST
