"""Draws what a network of images to embeddings and poses makes of several views of a moment."""
from pathlib import Path
from typing import Any, List, Mapping, Optional

import torch
from torch import Tensor

from mmviewpose.engine.hooks.pictures_hook import (MOST_BATCHES, OF_A_BATCH, EvenSample, Found,
                                                   PicturesHook, frequent, in_words, joined,
                                                   label_words, named, some_rows, when)
from mmviewpose.registry import HOOKS

NEEDED = ('embedding', 'target', 'instant', 'view')
NAMED = ('action', 'subject')   # what a moment is called by
SPARE = 4       # times as many moments are kept as are shown: some are seen by few cameras


class SomeMoments:
    """All rows of some moments out of a stream of batches, wherever in it they are.

    Kept are the moments whose number hashes lowest. A moment that is among these at the end was so
    at every time before, so none of its rows is missed, and no more than ``most`` moments are held.
    The multiples of the golden ratio lie so that moments of consecutive numbers are taken evenly,
    and the same ones at each validation.

    Args:
        most: How many moments are kept.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.kept: Optional[Found] = None

    def offer(self, found: Mapping[str, Tensor]) -> None:
        """Keep rows of what has ``instant`` ``(B,)``, the number of each row's moment."""
        place = _hash(found['instant'].cpu())
        before = place[:0] if self.kept is None else _hash(self.kept['instant'])
        last = torch.cat([before, place]).unique()[:self.most][-1]
        rows = (place <= last).nonzero()[:, 0]
        if not len(rows):
            return
        new = some_rows(found, tuple(found), rows.to(found['instant'].device))
        if self.kept is not None:
            stay = before <= last
            new = joined([{key: value[stay] for key, value in self.kept.items()}, new])
        self.kept = new

    def groups(self, moments: int, views: int) -> Tensor:
        """Rows of moments seen by as many cameras as most others, at most ``views``.

        Returns:
            ``(N, V)`` numbers of kept rows, N at most ``moments``; moments in the order of their
            numbers, views too.
        """
        instant, view = self.kept['instant'], self.kept['view']
        rows: List[Tensor] = []
        for number in instant[_hash(instant).argsort()].unique_consecutive():
            own = (instant == number).nonzero()[:, 0]
            # distributed tests may see an image twice
            cameras = {int(view[row]): row for row in own.flip(0)}
            rows.append(torch.stack([cameras[camera] for camera in sorted(cameras)]))
        width = min(views, max(map(len, rows)))
        wide = [some for some in rows if len(some) >= width][:moments]
        wide.sort(key=lambda some: int(instant[some[0]]))
        return torch.stack([some[torch.linspace(0, len(some) - 1, width).long()] for some in wide])


@HOOKS.register_module()
class PoseImagesHook(PicturesHook):
    """Pictures of a ``MultiviewEmbeddingRegressor``, into the run's log folder after each
    validation, and of tests that are asked to draw.

    ``poses.png`` shows some moments as several cameras saw them and the pose that was regressed
    from each image, ``embedding.png`` where embeddings lie, by subject and by camera::

        custom_hooks = [dict(type='mmviewpose.PoseImagesHook')]

    The moments are the same at each validation. Outputs of other models are passed over. Only rank
    0 draws, what it predicted itself. A picture that cannot be drawn is a warning in the log, never
    the end of a run.

    Args:
        enable: Draw in tests; ``tools/test.py --show-dir DIR`` switches it on for the config's
            ``visualization`` hook.
        out_dir: Folder of the pictures; the run's log folder by default.
        interval: Embeddings are taken from every so-manyth batch.
        moments: How many moments the sheet shows, evenly over the data.
        views: How many views of each, at most.
        label: Label that colours the embedding beside the camera.
    """

    needed = NEEDED

    def __init__(self, enable: bool = False, out_dir: Optional[str] = None, interval: int = 1,
                 moments: int = 4, views: int = 3, label: str = 'subject') -> None:
        self.interval, self.moments, self.views, self.label = interval, moments, views, label
        super().__init__(enable, out_dir)

    def forget(self) -> None:
        """Begin afresh."""
        self.shown = SomeMoments(SPARE * self.moments)
        self.embeddings = EvenSample(MOST_BATCHES)

    @property
    def empty(self) -> bool:
        """Whether nothing was kept."""
        return self.shown.kept is None

    def keep(self, batch_idx: int, data_batch: Any, found: Mapping[str, Tensor]) -> None:
        """Keep the batch's rows of the chosen moments, and some of its embeddings."""
        images = data_batch.get('inputs') if isinstance(data_batch, Mapping) else None
        count = len(found['embedding'])
        if not isinstance(images, Tensor) or images.dim() != 4 or len(images) != count:
            return
        keys = ('instant', 'view', 'target', 'keypoints', *NAMED)
        self.shown.offer(dict({key: found[key] for key in keys if key in found}, images=images))
        if batch_idx % self.interval == 0:
            every = slice(None, None, -(-count // OF_A_BATCH))
            self.embeddings.offer(
                lambda: some_rows(found, ('embedding', 'view', self.label), every))

    def draw(self, runner, mode: str) -> None:
        """Draw ``poses.png`` and ``embedding.png``."""
        self.draw_each(runner, mode, self._draw_poses, self._draw_embedding)

    def _draw_poses(self, runner, dataset: Any, folder: Path) -> Path:
        # Here, so that training does not need a working matplotlib.
        from mmviewpose.visualization import pose_images_figure
        rows = self.shown.groups(self.moments, self.views)
        chosen = {key: value[rows] for key, value in self.shown.kept.items()}
        poses = chosen['keypoints'].numpy() if 'keypoints' in chosen else None
        what = 'Views of some moments' if poses is None else 'Poses regressed from single images'
        return pose_images_figure(
            chosen['images'].numpy(), poses, chosen['target'][:, 0].numpy(),
            dataset.metainfo['skeleton'], folder / 'poses.png',
            [[f'camera {number}' for number in some] for some in chosen['view'].tolist()],
            _heads(chosen, dataset), f'{what}{when(runner)}')

    def _draw_embedding(self, runner, dataset: Any, folder: Path) -> Path:
        from mmviewpose.visualization import embedding_figure
        parts, some = frequent(joined(self.embeddings.kept), self.label)
        sets = {}
        if self.label in parts:
            sets[self.label] = in_words(parts[self.label], label_words(dataset, self.label))
        sets['camera'] = parts['view'].tolist()
        return embedding_figure(
            parts['embedding'].numpy(), *[*sets.values(), None][:2], folder / 'embedding.png',
            tuple(sets), f'Embeddings of {len(parts["embedding"])} images on their first two '
            f'principal axes{when(runner)}{some}')


def _hash(instants: Tensor) -> Tensor:
    """Places of whole numbers in a fixed random-looking order: multiples of the golden ratio."""
    return instants.long() * 2654435761 % 2**32


def _heads(chosen: Found, dataset: Any) -> Optional[List[str]]:
    """What the moments are, if that is known."""
    parts = [named(chosen[label][:, 0], dataset, label) for label in NAMED if label in chosen]
    return [', '.join(words) for words in zip(*parts)] or None
