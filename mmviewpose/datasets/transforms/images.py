"""Transforms of batches of images of one moment from several views, ``(B, V, C, H, W)``.

``images`` are what is learnt from and ``partner`` another frame of the same clip and view, both
uint8, as the datasets give them.
"""
from typing import Dict, Sequence, Tuple

import torch
from torch import Tensor

from mmviewpose.registry import TRANSFORMS
from mmviewpose.rendering import mirror_part_map

Batch = Dict[str, Tensor]
IMAGES = ('images', 'partner')


@TRANSFORMS.register_module()
class FlipImages:
    """Mirror all images of a moment together, left to right.

    Args:
        prob: How probable it is.
        part_map: Whether images are part maps of our renderer whose parts change sides too, so that
            they show a mirrored person (:func:`~mmviewpose.rendering.mirror_part_map`). False, as
            in the paper, keeps the values: what was a left arm is called one on the other side.
    """

    def __init__(self, prob: float = .5, part_map: bool = False) -> None:
        self.prob = prob
        self.mirror = mirror_part_map if part_map else _mirror

    def __call__(self, batch: Batch) -> Batch:
        flip = torch.rand(len(batch['images'])) < self.prob
        for key in IMAGES:
            if key in batch:
                turned = self.mirror(batch[key])
                batch[key] = torch.where(flip[:, None, None, None, None], turned, batch[key])
        return batch


def _mirror(images: Tensor) -> Tensor:
    return images.flip(-1)


@TRANSFORMS.register_module()
class ShiftImages:
    """Move the person in each image: ``shifted`` beside ``images`` (the paper's Sec. 3,
    equivariance loss).

    Each image is moved by its own whole number of pixels along both axes; what comes in from
    outside is background, 0. ``shift`` ``(B, V, 2)`` says how far, x right and y down, in units of
    half the image's side. Mirror first: a mirrored shift has the other sign.

    Args:
        pixels: Smallest and largest shift for an image of ``reference`` px; the paper's is 1 to 50
            for 512. Smaller images are moved less, but by one pixel at least.
        reference: As above.
    """

    def __init__(self, pixels: Tuple[float, float] = (1, 50), reference: int = 512) -> None:
        self.pixels, self.reference = pixels, reference

    def __call__(self, batch: Batch) -> Batch:
        images = batch['images']
        side = images.shape[-1]
        least, most = (max(1, round(value * side / self.reference)) for value in self.pixels)
        size = (*images.shape[:2], 2)
        shift = torch.randint(least, most + 1, size) * (2 * torch.randint(2, size) - 1)
        batch['shifted'] = shift_images(images, shift)
        batch['shift'] = 2. * shift / side
        return batch


def shift_images(images: Tensor, shift: Tensor) -> Tensor:
    """Images ``(..., C, H, W)`` moved by whole pixels ``(..., 2)``, x right and y down; 0 comes
    in."""
    flat, moves = images.flatten(0, -4), shift.flatten(0, -2)
    most = int(moves.abs().max())
    padded = torch.nn.functional.pad(flat, (most,) * 4)
    column, row = (most + torch.arange(size, device=flat.device) - move[:, None]
                   for size, move in ((flat.shape[-1], moves[:, 0]), (flat.shape[-2], moves[:, 1])))
    number = torch.arange(len(flat), device=flat.device)[:, None, None]
    moved = padded.movedim(1, -1)[number, row[:, :, None], column[:, None]]
    return moved.movedim(-1, 1).reshape(images.shape)


@TRANSFORMS.register_module()
class PackImages:
    """Images to ``inputs``, the rest to ``data_samples``.

    Args:
        keys: Images that the model takes.
    """

    def __init__(self, keys: Sequence[str] = ('images', 'partner', 'shifted')) -> None:
        self.keys = tuple(keys)

    def __call__(self, batch: Batch) -> dict:
        inputs = {key: batch.pop(key) for key in self.keys}
        return dict(inputs=inputs, data_samples=batch)
