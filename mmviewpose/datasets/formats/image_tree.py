"""Trees of images: a folder holds what one camera recorded of one performance."""
import os
import re
from pathlib import Path
from typing import Dict, NamedTuple, Optional, Union

import numpy as np

from mmviewpose.errors import DatasetError

from .clip import PathLike

# how the names of a modality's images end
ENDINGS = {'depth': '.png', 'densepose': '_IUV.png'}


class Recording(NamedTuple):
    """What one camera saw of one performance.

    Attributes:
        folder: Folder of its images.
        name: Its name, unique within the source.
        clip: Name of the performance: the recordings of all cameras have it.
        label: The class, counted from 0.
        num_classes: How many classes the source has.
        labels: Named whole numbers or words; ``camera`` is the view.
    """
    folder: Path
    name: str
    clip: str
    label: int
    num_classes: int
    labels: Dict[str, Union[int, str]]


class Frames(NamedTuple):
    """The images of a folder by their numbers.

    Attributes:
        folder: The folder.
        prefix, ending: What stands before and behind the number in a name.
        width: Digits that a number has at least.
        numbers: ``(F,)`` int64, ascending.
    """
    folder: Path
    prefix: str
    ending: str
    width: int
    numbers: np.ndarray

    def path(self, number: int) -> Path:
        """The file of an image."""
        return self.folder / f'{self.prefix}{number:0{self.width}d}{self.ending}'


def list_frames(folder: PathLike, modality: str, sequence: Optional[str] = None) -> Frames:
    """The images of one folder; files with another ending, and hidden ones, are passed over.

    Args:
        folder: Folder of one recording.
        modality: One of `ENDINGS`.
        sequence: Name of the recording, for messages.

    Raises:
        DatasetError: The folder is missing or holds no image, or names are not one word and a
            number.
    """
    folder, ending = Path(folder), ENDINGS[modality]
    try:
        names = sorted(name for name in os.listdir(folder)
                       if name.endswith(ending) and not name.startswith('.'))
    except OSError as e:
        raise DatasetError('no such folder' if isinstance(e, FileNotFoundError) else
                           f'cannot be read ({e.strerror})', file=folder,
                           sequence=sequence) from e
    if not names:
        raise DatasetError(f'the folder holds no image *{ending}', file=folder, sequence=sequence)
    prefix = re.fullmatch(r'(.*?)[0-9]*', names[0][:-len(ending)], re.DOTALL).group(1)
    digits = [name[len(prefix):-len(ending)] if name.startswith(prefix) else '' for name in names]
    width = min(map(len, digits))
    for name, number in zip(names, digits):
        if not re.fullmatch('[0-9]{1,18}', number):
            raise DatasetError(f'not named {prefix or "NAME"}NUMBER{ending}', file=folder / name,
                               sequence=sequence)
        if len(number) > width and number[0] == '0':
            raise DatasetError('numbers of images are written in different widths',
                               file=folder / name, sequence=sequence)
    return Frames(folder, prefix, ending, width, np.sort(np.array(digits, dtype=np.int64)))
