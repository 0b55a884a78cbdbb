"""Images of a person alone: DensePose maps and masked depth, from the file to uint8 channels."""
from pathlib import Path
from typing import Dict, NamedTuple, Tuple

import cv2
import numpy as np
from PIL import Image

from mmviewpose.datasets.formats.image_tree import Frames
from mmviewpose.errors import DatasetError
from mmviewpose.rendering.body import NUM_PARTS, PART_VALUES

# what an image must be: axes, type, and in words
_FORMS = {'densepose': (3, np.uint8, 'three channels of 8 bits (I, U, V)'),
          'depth': (2, np.uint16, 'one channel of 16 bits')}


class PersonImages:
    """Reads images of recordings as the networks take them.

    DensePose's part I is written as ``255 I / 24``, U and V as they are; depth as 255 times its
    share of the image's largest, in three equal channels.

    Args:
        modality: ``'densepose'`` or ``'depth'``.
        image_size: Side S of what is given, px.
        crop: Side in the file, px, of the square around the middle of the person's bounding box;
            outside of the image it is 0. Resizing takes the nearest pixel.
        allow_empty: Give a black image where there is no person, instead of an error.

    Raises:
        ValueError: Unknown modality, or a side below 1.
    """

    def __init__(self, modality: str = 'densepose', image_size: int = 128, crop: int = 512,
                 allow_empty: bool = False) -> None:
        if modality not in _FORMS or min(image_size, crop) < 1:
            raise ValueError(f'modality must be one of {tuple(_FORMS)} and sides positive, got '
                             f'{modality!r}, {image_size}, {crop}')
        self.modality, self.image_size, self.crop = modality, image_size, crop
        self.allow_empty = allow_empty
        self._sizes: Dict[Path, Tuple[int, int]] = {}

    def __call__(self, frames: Frames, number: int, sequence: str) -> np.ndarray:
        """The image of a number, ``(3, S, S)`` uint8.

        Args:
            frames: The recording's images.
            number: Of the frame.
            sequence: Name of the recording, for messages.

        Raises:
            DatasetError: The image cannot be read, has another size than the recording's first or
                other channels than the modality's, or shows nobody.
        """
        place = _Place(frames.path(number), sequence, number)
        image = self._read(place, self._size(frames, sequence))
        mask = image if image.ndim == 2 else cv2.extractChannel(image, 0)
        most = int(mask.max())
        if most == 0 and not self.allow_empty:
            raise place.error('nobody is in the image: all is 0; allow_empty=True takes it as a '
                              'black image')
        image = cut_out(image, mask, self.crop, self.image_size)
        if self.modality == 'depth':
            image = np.rint(image * (255 / max(most, 1))).astype(np.uint8)
            return np.broadcast_to(image, (3, *image.shape))
        if most > NUM_PARTS:
            raise place.error(f'part {most}, there are {NUM_PARTS}; the first channel that '
                              'cv2.imread gives must be the part I')
        image[..., 0] = PART_VALUES[image[..., 0]]
        return image.transpose(2, 0, 1)

    def _size(self, frames: Frames, sequence: str) -> Tuple[int, int]:
        """Width and height of a recording's first image, of which only the header is read."""
        if frames.folder not in self._sizes:
            place = _Place(frames.path(frames.numbers[0]), sequence, int(frames.numbers[0]))
            try:
                with Image.open(place.file) as image:
                    self._sizes[frames.folder] = image.size
            except (OSError, ValueError) as e:
                raise place.error('cannot be read as an image') from e
        return self._sizes[frames.folder]

    def _read(self, place: '_Place', size: Tuple[int, int]) -> np.ndarray:
        image = cv2.imread(str(place.file), cv2.IMREAD_UNCHANGED)
        if image is None:
            raise place.error('cannot be read as an image')
        axes, kind, words = _FORMS[self.modality]
        if image.ndim != axes or image.dtype != kind or image.shape[2:] not in ((), (3,)):
            raise place.error(f'a {self.modality} image must have {words}, this one is '
                              f'{" x ".join(map(str, image.shape))} of {8 * image.itemsize} bits')
        if image.shape[1::-1] != size:
            raise place.error('{} x {} px, the first image of the recording has {} x {}'.format(
                *image.shape[1::-1], *size))
        return image


class _Place(NamedTuple):
    file: Path
    sequence: str
    frame: int

    def error(self, problem: str) -> DatasetError:
        return DatasetError(problem, **self._asdict())


def cut_out(image: np.ndarray, mask: np.ndarray, crop: int, image_size: int) -> np.ndarray:
    """The square around the middle of a mask's bounding box, resized to the nearest pixel.

    With x the box's first column and w its width, the square's first is ``x + (w - crop) // 2``;
    rows alike. Without a person it is the image's corner.

    Args:
        image: ``(H, W)`` or ``(H, W, C)``.
        mask: ``(H, W)``, not 0 on the person.
        crop: Side of the square, px; 0 comes in from outside the image.
        image_size: Side S of the result, px.

    Returns:
        ``(S, S)`` or ``(S, S, C)``, always a copy.
    """
    x, y, width, height = cv2.boundingRect((mask != 0).view(np.uint8))
    square = square_at(image, x + (width - crop) // 2, y + (height - crop) // 2, crop)
    return cv2.resize(square, (image_size, image_size), interpolation=cv2.INTER_NEAREST)


def square_at(image: np.ndarray, left: int, top: int, side: int) -> np.ndarray:
    """A square out of an image ``(H, W)`` or ``(H, W, C)``, from column ``left`` and row ``top``
    on; 0 comes in from outside."""
    rows, columns = image.shape[:2]
    first_row, last_row = np.clip((top, top + side), 0, rows)
    first, last = np.clip((left, left + side), 0, columns)
    out = np.zeros((side, side, *image.shape[2:]), image.dtype)
    out[first_row - top:last_row - top, first - left:last - left] = \
        image[first_row:last_row, first:last]
    return out
