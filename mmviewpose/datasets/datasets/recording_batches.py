"""From numbers of recordings and frames to batches of images: what the datasets of films and of
trees of images share."""
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence

import numpy as np
import torch
from torch import Tensor

from mmviewpose.datasets.datasets.array_dataset import Batch
from mmviewpose.datasets.formats.clip import PathLike
from mmviewpose.errors import DatasetError

Images = Callable[[Tensor, Tensor], Tensor]


def _draw(below: Tensor) -> Tensor:
    """Random whole numbers from 0 to each number less one."""
    return torch.randint(2**62, below.shape) % below


class Performances(NamedTuple):
    """C performances that V cameras saw.

    Attributes:
        names: ``(C,)``.
        views: ``(V,)`` numbers of the cameras.
        rows: ``(C, V)`` numbers of their recordings.
        numbers: Frames of each performance that all its views have, ascending.
    """
    names: np.ndarray
    views: np.ndarray
    rows: np.ndarray
    numbers: List[np.ndarray]


class ReadMoments:
    """``clip`` and ``position`` ``(B,)`` to images of that moment and, in training, of others of the
    clip: ``partner`` has another frame of each view.

    Args:
        images: Gives the images ``(..., 3, S, S)`` uint8 of recordings and frames of these numbers
            ``(...)``.
        performances: Which recordings and frames.
        labels: Of the performances, ``(C,)``.
        num_views: V.
        training: Read partners and, of more than V views, V at random; otherwise the first views
            are taken.
    """

    def __init__(self, images: Images, performances: Performances,
                 labels: Mapping[str, np.ndarray], num_views: int, training: bool) -> None:
        self.images, self.num_views, self.training = images, num_views, training
        self.labels = {key: torch.as_tensor(value) for key, value in labels.items()}
        self.rows = torch.as_tensor(performances.rows)
        self.cameras = torch.as_tensor(performances.views)
        self.numbers = torch.as_tensor(np.concatenate(performances.numbers))
        self.lengths = torch.tensor([len(numbers) for numbers in performances.numbers])
        self.first = self.lengths.cumsum(0) - self.lengths

    def __call__(self, batch: Batch) -> Batch:
        clip, position = batch['clip'], batch.pop('position')
        # first, since an archive may have a label 'camera' of its own
        batch = {**{key: value[clip] for key, value in self.labels.items()}, **batch}
        views = self._views(len(clip))
        rows, moments = self.rows[clip[:, None], views], position[:, None].expand(views.shape)
        names = ('images', 'partner') if self.training else ('images',)
        moments = torch.stack([moments, self._others(clip, moments)][:len(names)])
        numbers = self.numbers[self.first[clip, None] + moments]  # (1 or 2, B, V)
        batch.update(zip(names, self.images(rows.expand(numbers.shape), numbers)))
        batch['camera'] = self.cameras[views]
        return batch

    def _others(self, clip: Tensor, moments: Tensor) -> Tensor:
        """Another place of the clip for each of places ``(B, V)``."""
        length = self.lengths[clip, None].expand(moments.shape)
        return (moments + 1 + _draw(length - 1)) % length

    def _views(self, count: int) -> Tensor:
        """Columns of the views of each sample, ``(B, V)``, ascending."""
        if not self.training:
            return torch.arange(self.num_views).expand(count, -1)
        order = torch.rand(count, len(self.cameras)).argsort(1)
        return order[:, :self.num_views].sort(1).values


class ReadSegments:
    """``sequence`` ``(B,)`` to T frames of each, one from each of T equal segments.

    Args:
        images: As for :class:`ReadMoments`.
        numbers: Of the frames of each recording, ascending.
        num_frames: T.
        training: A random frame of each segment; otherwise its middle one.
    """

    def __init__(self, images: Images, numbers: Sequence[np.ndarray], num_frames: int,
                 training: bool) -> None:
        self.images, self.training = images, training
        self.step = torch.arange(num_frames)
        self.numbers = torch.as_tensor(np.concatenate(numbers))
        self.lengths = torch.tensor([len(found) for found in numbers])
        self.first = self.lengths.cumsum(0) - self.lengths

    def __call__(self, batch: Batch) -> Batch:
        rows = batch['sequence'][:, None].expand(-1, len(self.step))
        numbers = self.numbers[self.first[rows] + self.positions(batch)]
        batch['frames'] = self.images(rows, numbers)
        return batch

    def positions(self, batch: Batch) -> Tensor:
        """Places ``(B, T)`` in the sequences. Shorter ones repeat frames."""
        length, count = self.lengths[batch['sequence']][:, None], len(self.step)
        if not self.training:
            return (2 * self.step + 1) * length // (2 * count)
        place = self.step + torch.rand(len(length), count, dtype=torch.float64)
        return (place * length / count).long().minimum(length - 1)


class ReadClips(ReadSegments):
    """``sequence`` ``(B,)`` to T consecutive frames of each; a sequence is cut into such clips
    without overlap.

    Args:
        images, numbers, num_frames: As for :class:`ReadSegments`.
        training: A random clip; otherwise the one that ``part`` ``(B,)`` numbers.
    """

    def positions(self, batch: Batch) -> Tensor:
        """Places ``(B, T)`` in the sequences."""
        count = len(self.step)
        if self.training:
            batch['part'] = _draw(self.lengths[batch['sequence']] // count)
        return batch['part'][:, None] * count + self.step


SAMPLING = {'segments': ReadSegments, 'clips': ReadClips}


def check_sampling(sampling: str, num_frames: int) -> None:
    """Check how a data set draws frames, before anything is read.

    Raises:
        ValueError: Unknown ``sampling``, or ``num_frames`` is below 1.
    """
    if sampling not in SAMPLING or num_frames < 1:
        raise ValueError(f'sampling must be one of {tuple(SAMPLING)} and num_frames positive, '
                         f'got {sampling!r}, {num_frames}')


def samples_of(numbers: Sequence[np.ndarray], num_frames: int, sampling: str, training: bool,
               names: Sequence[str], folders: Optional[Sequence[PathLike]] = None
               ) -> Dict[str, np.ndarray]:
    """The N samples that R recordings are: one each, or in tests on clips one a clip.

    Args:
        numbers: Of the frames of each recording.
        num_frames: T.
        sampling: Of `SAMPLING`.
        training: Whether clips are drawn at random.
        names, folders: Of the recordings, for messages.

    Returns:
        ``sequence`` ``(N,)``, number of the recording, and ``part`` ``(N,)``, of the clip in it.

    Raises:
        DatasetError: A recording is shorter than a clip.
    """
    parts = np.ones(len(numbers), int)
    if sampling == 'clips':
        parts = count_clips(numbers, num_frames, names, folders)
    sequence = np.repeat(np.arange(len(parts)), 1 if training else parts)
    return dict(sequence=sequence,
                part=np.arange(len(sequence)) - np.searchsorted(sequence, sequence))


def count_clips(numbers: Sequence[np.ndarray], num_frames: int, names: Sequence[str],
                folders: Optional[Sequence[PathLike]] = None) -> np.ndarray:
    """How many clips of ``num_frames`` frames each recording gives, ``(R,)``.

    Args:
        numbers, num_frames, names, folders: As for :func:`samples_of`.

    Raises:
        DatasetError: A recording is shorter than a clip.
    """
    parts = np.array([len(found) // num_frames for found in numbers])
    for row in np.flatnonzero(parts == 0):
        raise DatasetError(f'{len(numbers[row])} frames, fewer than the {num_frames} of a clip',
                           file=folders[row] if folders else None, sequence=names[row])
    return parts
