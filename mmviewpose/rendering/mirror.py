"""Part maps of mirrored people."""
import functools
from typing import Tuple

import numpy as np
import torch
from torch import Tensor

from .body import CAPSULES, NUM_PARTS, PART_VALUES

# Charts are laid out about the body's front, and on arms and head about its side, so that in a
# mirrored body u runs the other way in these groups only, and on the feet.
_TURNED = ('torso', 'belly', 'leg')


def mirror_part_map(images: Tensor) -> Tensor:
    """The part maps of mirrored people seen by mirrored cameras.

    Left parts and right parts change their numbers along with their sides, and u runs the other
    way where the chart is symmetric to the body. It is what
    :func:`~mmviewpose.rendering.render` gives of the mirrored key points, but for the rounding of
    u; the maps of other sources, such as DensePose's, have other charts.

    Args:
        images: Of :meth:`~mmviewpose.rendering.Rendering.part_map`, ``(..., 3, S, S)`` uint8.
    """
    part, u, v = images.flip(-1).unbind(-3)
    values, turned = (table.to(part.device) for table in _tables())
    index = part.long()
    return torch.stack([values[index], torch.where(turned[index], 255 - u, u), v], -3)


@functools.lru_cache(None)
def _tables() -> Tuple[Tensor, Tensor]:
    """For each byte of the part's channel: that of its mirror image, and whether u turns."""
    parts = {capsule.name: capsule.parts for capsule in CAPSULES}
    other, turned = np.arange(NUM_PARTS + 1), np.zeros(NUM_PARTS + 1, bool)
    for capsule in CAPSULES:
        side, _, rest = capsule.name.partition('_')
        twin = {'left': f'right_{rest}', 'right': f'left_{rest}'}.get(side)
        other[list(capsule.parts)] = parts.get(twin, capsule.parts)
        turned[list(capsule.parts)] = capsule.group in _TURNED or rest == 'foot'
    head = parts['head']
    other[list(head)] = head[::-1]  # halves are right and left
    nearest = np.rint(np.arange(256) * (NUM_PARTS / 255)).astype(int)
    return torch.as_tensor(PART_VALUES[other[nearest]]), torch.as_tensor(turned[nearest])
