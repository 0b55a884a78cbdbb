"""What differs from person to person: girth and colours, drawn from integer seeds."""
from typing import NamedTuple, Optional

import torch
from torch import Tensor

from .body import CAPSULES, GROUPS

_WORD = 0xffffffff
_NUM_DRAWS = 40

# (least, most) factor of the radii of a group of capsules
_GIRTH = (0.88, 1.18)  # of all groups but the head
_OWN = {'torso': (0.93, 1.08), 'belly': (0.85, 1.25), 'arm': (0.9, 1.12), 'leg': (0.9, 1.12),
        'end': (0.95, 1.05), 'head': (0.94, 1.06)}
# colours 0..255
_SKIN = ((247., 215., 190.), (92., 60., 44.))
_HAIR = ((225., 190., 120.), (25., 20., 18.))
_LONG_SLEEVES, _LONG_TROUSERS = 0.5, 0.75  # share of people who wear them


class People(NamedTuple):
    """N people.

    Attributes:
        girth: Factor of each capsule's radii, ``(N, C)`` float64.
        colours: RGB 0..255 of each capsule's back and front half, ``(N, C, 2, 3)`` float32.
        backdrop: RGB 0..255 of the background: at the top, at the bottom, and of the stripes that
            are added, ``(N, 3, 3)`` float32.
        stripes: Width of the stripes as a share of the image, ``(N,)`` float32.
    """
    girth: Tensor
    colours: Tensor
    backdrop: Tensor
    stripes: Tensor


def _mixed(words: Tensor) -> Tensor:
    """A hash of 32-bit words in int64: no product passes 63 bits."""
    words = (words ^ (words >> 16)) * 0x21f0aaad & _WORD
    words = (words ^ (words >> 15)) * 0x735a2d97 & _WORD
    return words ^ (words >> 15)


def uniform(seeds: Tensor, count: int) -> Tensor:
    """Numbers in [0, 1) that depend on the seed only: int64 ``(N,)`` to float64 ``(N, count)``."""
    low, high = seeds & _WORD, (seeds >> 32) & _WORD
    state = _mixed(low ^ _mixed(high + 0x5bd1e995 & _WORD))
    steps = torch.arange(1, count + 1, device=seeds.device) * 0x9e3779b9
    words = _mixed(state.unsqueeze(-1) + steps & _WORD)
    return words.double() / (_WORD + 1)


def _between(draws: Tensor, limits) -> Tensor:
    """Draws ``(N,)`` to numbers or, for limits of three values each, colours ``(N, 3)``."""
    low, high = (draws.new_tensor(limit) for limit in limits)
    return low + draws.reshape(-1, *[1] * low.ndim) * (high - low)


def draw_people(seeds: Optional[Tensor], count: int, device: torch.device) -> People:
    """The people of N seeds, or `count` times an average person.

    Args:
        seeds: Any integers, ``(N,)`` int64, or None.
        count: N.
        device: Where they are wanted.
    """
    if seeds is None:
        draws = torch.full((count, _NUM_DRAWS), 0.5, dtype=torch.float64, device=device)
        draws[:, 12:21] = draws.new_tensor([.2, .4, .7, .25, .25, .3, .3, .2, .15])
    else:
        draws = uniform(seeds, _NUM_DRAWS)
    return People(_girth(draws[:, :7]), _colours(draws[:, 8:24]).float(), *_backdrop(draws[:, 24:]))


def _girth(draws: Tensor) -> Tensor:
    overall = _between(draws[:, 0], _GIRTH)
    groups = torch.stack([_between(draws[:, i], _OWN[group]) * (1 if group == 'head' else overall)
                          for i, group in enumerate(GROUPS, 1)], -1)
    return groups[:, [GROUPS.index(capsule.group) for capsule in CAPSULES]]


def _colours(draws: Tensor) -> Tensor:
    skin, hair = _between(draws[:, 0], _SKIN), _between(draws[:, 1], _HAIR)
    shirt, trousers, shoes = (20 + 220 * draws[:, i:i + 3] for i in (4, 7, 10))
    sleeves = torch.where(draws[:, 2:3] < _LONG_SLEEVES, shirt, skin)
    stockings = torch.where(draws[:, 3:4] < _LONG_TROUSERS, trousers, skin)
    worn = dict(skin=skin, hair=hair, shirt=shirt, trousers=trousers, shoes=shoes,
                sleeves=sleeves, stockings=stockings)
    return torch.stack([torch.stack([worn[name] for name in capsule.wears], 1)
                        for capsule in CAPSULES], 1)


def _backdrop(draws: Tensor):
    top, bottom, stripes = 200 * draws[:, :3], 200 * draws[:, 3:6], 50 * draws[:, 6:9]
    return torch.stack([top, bottom, stripes], 1).float(), (0.05 + 0.3 * draws[:, 9]).float()
