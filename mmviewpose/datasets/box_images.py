"""Colour images of people, cut out by their boxes when they are asked for."""
import os
from pathlib import Path
from typing import Dict, Set

import cv2
import numpy as np
import torch
from torch import Tensor

from mmviewpose.datasets.formats.clip import PathLike
from mmviewpose.datasets.formats.pose_images import PoseImages
from mmviewpose.datasets.person_images import square_at
from mmviewpose.errors import DatasetError

# Shares of the size at which a JPEG can be decoded, which saves most of the work for large images.
_REDUCED = ((4, cv2.IMREAD_REDUCED_COLOR_4), (2, cv2.IMREAD_REDUCED_COLOR_2),
            (1, cv2.IMREAD_COLOR))
_JPEG = ('.jpg', '.jpeg')
# Of Human3.6M's images some are 1002 px high where the camera's file says 1000; boxes fit all the
# same.
_TOLERANCE = .01


class BoxImages:
    """Reads images of people by their numbers; only names and boxes are held in memory.

    What is seen is a person's square box, resized to S x S px by the mean over pixels' areas where
    it is larger, and black outside of the picture.

    Args:
        folder: Folder of all images.
        found: What images there are.
        image_size: S.

    Raises:
        DatasetError: An image is missing; each folder is listed once.
        ValueError: ``image_size`` is below 1.
    """

    def __init__(self, folder: PathLike, found: PoseImages, image_size: int) -> None:
        if image_size < 1:
            raise ValueError(f'image_size must be positive, got {image_size}')
        self.folder, self.image_size = Path(folder), image_size
        self.found = found._replace(poses=found.poses[:0])  # they are not needed here
        self._check_present()

    def __call__(self, numbers: Tensor) -> Tensor:
        """The images ``(B, 3, S, S)`` uint8 RGB of these numbers ``(B,)``.

        Raises:
            DatasetError: An image cannot be read, or its size is not its camera's within 1 %.
        """
        out = np.empty((len(numbers), 3, self.image_size, self.image_size), np.uint8)
        for place, number in enumerate(numbers.tolist()):
            out[place] = self._cut_out(number)[..., ::-1].transpose(2, 0, 1)
        return torch.from_numpy(out)

    def _cut_out(self, number: int) -> np.ndarray:
        """``(S, S, 3)``, blue first."""
        file, side = str(self.found.files[number]), self.found.sides[number]
        most = side / self.image_size if file.lower().endswith(_JPEG) else 1
        share, flag = next(entry for entry in _REDUCED if entry[0] <= max(most, 1))
        image = cv2.imread(str(self.folder / file), flag)
        if image is None:
            raise self._error(number, 'cannot be read as an image')
        size = self.found.sizes[self.found.recording[number]]
        there = share * np.array(image.shape[1::-1])  # a reduced side is rounded
        if (np.abs(there - size) > _TOLERANCE * size + share - 1).any():
            raise self._error(number,
                              '{} x {} px, its camera has {} x {}'.format(*there, *size))
        left, top = np.rint((self.found.centres[number] - side / 2) / share).astype(int)
        square = square_at(image, left, top, max(1, round(side / share)))
        shrinks = len(square) > self.image_size
        return cv2.resize(square, (self.image_size, ) * 2,
                          interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)

    def _check_present(self) -> None:
        """Listing folders is cheap where a million files would each be looked for."""
        there: Dict[str, Set[str]] = {}
        for number, file in enumerate(self.found.files.tolist()):
            folder, name = os.path.split(file)
            if folder not in there:
                try:
                    there[folder] = set(os.listdir(self.folder / folder))
                except OSError as e:
                    raise self._error(number, f'its folder cannot be read ({e.strerror})') from e
            if name not in there[folder]:
                raise self._error(number, 'image not found')

    def _error(self, number: int, problem: str) -> DatasetError:
        found = self.found
        return DatasetError(problem, file=self.folder / str(found.files[number]),
                            sequence=str(found.names[found.recording[number]]),
                            frame=int(found.frames[number]))
