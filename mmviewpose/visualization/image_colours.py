"""Colours in which a person can read what networks see: part maps, depth maps, colour images."""
from typing import Dict, Tuple

import numpy as np

KINDS = ('parts', 'depth', 'rgb')
NUM_PARTS = 24
# DensePose's parts by what they are, in the order of their numbers: neighbours in number have
# neighbouring colours, since the mean of two people's parts is a number between them.
SEGMENTS: Dict[str, Tuple[str, Tuple[int, ...]]] = {
    'torso': ('#B4B4C6', (1, 2)),
    'hands': ('#7D6BCB', (3, 4)),
    'feet': ('#3F63CF', (5, 6)),
    'thighs': ('#1C8FD0', (7, 8, 9, 10)),
    'shanks': ('#1FB5A8', (11, 12, 13, 14)),
    'upper arms': ('#7CC24A', (15, 16, 17, 18)),
    'forearms': ('#F0B429', (19, 20, 21, 22)),
    'head': ('#E4573D', (23, 24)),
}
_FAR_SIDE = .84             # brightness of the back of the torso and of the left limbs
_DARK = (1, 4, 5, 8, 10, 12, 14, 15, 17, 19, 21, 24)
_ALONG = .6                 # brightness where v is 0
_NOBODY, _SOMEBODY = .06, .3    # largest channel of a decoded pixel; metrics part them at .25
_NEAREST = .35              # grey of the nearest point of depth maps


def image_kind(images: np.ndarray) -> str:
    """What images ``(..., C, H, W)`` in [0, 1] are.

    Returns:
        ``'depth'`` if they have one channel or three that are equal, ``'parts'`` if the first
        channel has 24ths only (a DensePose map: part / 24, u, v), else ``'rgb'``.
    """
    images = np.asarray(images, dtype=float)
    if images.shape[-3] == 1 or not np.ptp(images, axis=-3).any():
        return 'depth'
    numbers = NUM_PARTS * images[..., 0, :, :]
    exact = np.abs(numbers - numbers.round()).max() < NUM_PARTS * .51 / 255  # of whole bytes
    return 'parts' if exact else 'rgb'


class ImageLook:
    """How images are shown: as what they are, and as what networks made of them is comparable.

    Part maps get a colour for each part of the body, darker towards v = 0, on white. In a decoded
    map the part's number is a mean: its colour lies between those of the parts, and it fades where
    hardly anything was decoded. Depth is grey, far is bright. Colour images stay as they are.

    Args:
        images: True ones ``(..., C, H, W)`` in [0, 1], C 1 or 3, from which the kind is told.
    """

    def __init__(self, images: np.ndarray) -> None:
        images = np.asarray(images, dtype=float)
        self.kind = image_kind(images)
        there = images[..., 0, :, :][images[..., 0, :, :] > 0]
        self.nearest = float(there.min()) if len(there) else 1.

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Images ``(..., C, H, W)`` as RGB ``(..., H, W, 3)`` in [0, 1]."""
        images = np.clip(np.nan_to_num(np.asarray(images, dtype=float)), 0., 1.)
        if self.kind == 'parts':
            return _parts_to_rgb(images)
        if self.kind == 'depth':
            grey = _depth_to_grey(images[..., 0, :, :], self.nearest)
            return np.repeat(grey[..., None], 3, -1)
        return np.moveaxis(images, -3, -1)

    @property
    def note(self) -> str:
        """What the colours say, if that is not plain."""
        return {'parts': 'brighter along the part (v); decoded parts are means, in colours between',
                'depth': 'depth: far is bright', 'rgb': ''}[self.kind]


def part_palette(sides: bool = True) -> np.ndarray:
    """RGB of parts 0 to 24, ``(25, 3)``; 0, where nobody is, has that of part 1.

    Args:
        sides: Make the back of the torso and left limbs darker.
    """
    palette = np.zeros((NUM_PARTS + 1, 3))
    for color, parts in SEGMENTS.values():
        for part in parts:
            palette[part] = _rgb(color) * (_FAR_SIDE if sides and part in _DARK else 1.)
    palette[0] = palette[1]
    return palette


def _rgb(color: str) -> np.ndarray:
    return np.array([int(color[i:i + 2], 16) for i in (1, 3, 5)]) / 255


def _parts_to_rgb(images: np.ndarray) -> np.ndarray:
    number, along = NUM_PARTS * images[..., 0, :, :], images[..., 2, :, :]
    decoded = image_kind(images) != 'parts'
    number = number if decoded else number.round()
    there = (number > .5).astype(float)
    if decoded:
        there *= np.clip((images.max(-3) - _NOBODY) / (_SOMEBODY - _NOBODY), 0., 1.)
    palette = part_palette(not decoded)
    colors = np.stack([np.interp(number, np.arange(len(palette)), channel)
                       for channel in palette.T], -1)
    colors *= (_ALONG + (1. - _ALONG) * along)[..., None]
    return 1. - there[..., None] * (1. - colors)


def _depth_to_grey(depth: np.ndarray, nearest: float) -> np.ndarray:
    """Somebody's depths lie between ``nearest`` and 1: most of the greys are theirs."""
    return np.interp(depth, (0., nearest, 1.), (0., _NEAREST, 1.))
