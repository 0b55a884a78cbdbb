"""Draws what an auto-encoder of images from several views makes of them."""
from pathlib import Path
from typing import Any, List, Mapping, Optional, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor

from mmviewpose.engine.hooks.pictures_hook import (MOST_BATCHES, OF_A_BATCH, EvenSample, Found,
                                                   PicturesHook, frequent, in_words, joined,
                                                   label_words, named, some_rows, when)
from mmviewpose.models.batch_model import unwrapped
from mmviewpose.registry import HOOKS

SHEET = {'images': 'input', 'reconstruction': 'reconstruction\nfrom its own pose',
         'swapped': "swapped\nfrom the next view's pose",
         'shifted': 'shifted input\nby some pixels',
         'shifted_reconstruction': 'reconstruction\nof the shifted input'}
NEEDED = ('images', 'reconstruction', 'swapped', 'pose', 'viewpoint')
MOST_MOMENTS = 8    # that are kept


@HOOKS.register_module()
class ViewPicturesHook(PicturesHook):
    """Pictures of an auto-encoder of images, into the run's log folder after each validation.

    ``views.png`` shows inputs and what was decoded of them, ``turning.png`` canonical poses turned
    and decoded, and ``embedding.png`` where canonical poses lie, by action and by camera. After
    training ``turning.gif`` is the same as a film. Tests that are asked to draw leave all four::

        custom_hooks = [dict(type='mmviewpose.ViewPicturesHook')]

    Outputs of other models are passed over. Only rank 0 draws, what it predicted itself. A picture
    that cannot be drawn is a warning in the log, never the end of a run.

    Args:
        enable: Draw in tests; ``tools/test.py --show-dir DIR`` switches it on for the config's
            ``visualization`` hook.
        out_dir: Folder of the pictures; the run's log folder by default.
        interval: Moments are taken from every so-manyth batch.
        moments: How many moments the sheet shows, evenly over the data.
        turned: How many of them are turned.
        label: Label that colours the embedding beside the camera.
    """

    needed = NEEDED

    def __init__(self, enable: bool = False, out_dir: Optional[str] = None, interval: int = 1,
                 moments: int = 4, turned: int = 3, label: str = 'action') -> None:
        self.interval, self.moments = interval, moments
        self.turned, self.label = turned, label
        super().__init__(enable, out_dir)

    def forget(self) -> None:
        """Begin afresh."""
        self.shown = EvenSample(max(self.moments, self.turned, MOST_MOMENTS))
        self.poses = EvenSample(MOST_BATCHES)

    @property
    def empty(self) -> bool:
        """Whether nothing was kept."""
        return not self.shown.kept

    def keep(self, batch_idx: int, data_batch: Any, found: Mapping[str, Tensor]) -> None:
        """Keep some moments of the batch, and some of its poses."""
        labels, count = ('camera', self.label), len(found['pose'])
        every = -(-count // OF_A_BATCH)
        self.poses.offer(lambda: some_rows(found, ('pose', *labels), slice(None, None, every)))
        if batch_idx % self.interval == 0:
            for row in range(0, count, -(-count // self.moments)):
                self.shown.offer(lambda row=row: some_rows(found, (*SHEET, *NEEDED, *labels),
                                                           slice(row, row + 1)))

    def draw(self, runner, mode: str) -> None:
        """Draw ``views.png``, ``turning.png`` and ``embedding.png``; after a test the film too."""
        film = (self._animate, ) if mode == 'test' else ()
        self.draw_each(runner, mode, self._draw_views, self._draw_turning, *film,
                       self._draw_embedding)

    def after_train(self, runner) -> None:
        """Write ``turning.gif``, of the last validation's moments."""
        self.draw_each(runner, 'val', self._animate)

    def _chosen(self, count: int) -> Found:
        """Moments evenly over the data."""
        kept = self.shown.kept
        places = torch.linspace(0, len(kept) - 1, min(count, len(kept))).long().tolist()
        return joined([kept[place] for place in places])

    def _draw_views(self, runner, dataset: Any, folder: Path) -> Path:
        # Here, so that training does not need a working matplotlib.
        from mmviewpose.visualization import view_images_figure
        chosen = self._chosen(self.moments)
        rows = {name: chosen[key].numpy() for key, name in SHEET.items() if key in chosen}
        cameras = _cameras(chosen)
        same = bool((cameras == cameras[0]).all())
        named = [f'camera {number}' for number in cameras[0]] if same else None
        return view_images_figure(
            rows, folder / 'views.png', named, self._heads(chosen, dataset),
            f'Moments seen by several cameras, and what is decoded of them{when(runner)}\n'
            'swapped looks like the input where the pose is the same for all views')

    def _turning(self, runner, dataset: Any, angles: Sequence[float]) -> Tuple:
        """The first view's poses of some moments, and arguments of their pictures."""
        chosen = self._chosen(self.turned)
        pose, viewpoint, inputs = (chosen[key][:, 0] for key in ('pose', 'viewpoint', 'images'))
        points, images = _turn(unwrapped(runner.model), pose, viewpoint, angles)
        actions = self._heads(chosen, dataset) or [''] * len(points)
        names = [f'{action}\nseen by camera {number}'.strip() for action, number in
                 zip(actions, _cameras(chosen)[:, 0])]
        return points, dict(angles=angles, images=images, inputs=inputs.numpy(), names=names)

    def _draw_turning(self, runner, dataset: Any, folder: Path) -> Path:
        from mmviewpose.visualization import turning_pose_figure
        points, given = self._turning(runner, dataset, range(0, 360, 45))
        return turning_pose_figure(
            points, folder / 'turning.png', **given, title='Canonical poses turned about the '
            f'vertical{when(runner)}\nabove the pose: points keep their colours, near ones are '
            'large; below what the decoder makes of it')

    def _animate(self, runner, dataset: Any, folder: Path) -> Path:
        from mmviewpose.visualization import animate_turning
        points, given = self._turning(runner, dataset, range(0, 360, 15))
        return animate_turning(points, folder / 'turning.gif', **given)

    def _draw_embedding(self, runner, dataset: Any, folder: Path) -> Path:
        from mmviewpose.visualization import embedding_figure
        parts, some = frequent(joined(self.poses.kept), self.label)
        views = parts['pose'].shape[1]
        poses = parts['pose'].flatten(0, 1).flatten(1).numpy()
        sets = {'camera': _cameras(parts).ravel()}
        if self.label in parts:
            kinds = in_words(parts[self.label], label_words(dataset, self.label))
            sets = {self.label: np.repeat(kinds, views), **sets}
        values = [*sets.values(), None]
        return embedding_figure(
            poses, *values[:2], folder / 'embedding.png', tuple(sets),
            f'Canonical poses of {len(poses)} images on their first two principal axes'
            f'{when(runner)}{some}')

    def _heads(self, chosen: Found, dataset: Any) -> Optional[List[str]]:
        """What the moments are, if that is known."""
        return named(chosen[self.label], dataset, self.label) if self.label in chosen else None


def _cameras(found: Found) -> np.ndarray:
    """Number of the camera of each view, ``(M, V)``; from 1 where nobody says."""
    if 'camera' in found:
        return found['camera'].numpy()
    moments, views = found['pose'].shape[:2]
    return np.tile(np.arange(1, views + 1), (moments, 1))


@torch.no_grad()
def _turn(model, poses: Tensor, viewpoints: Tensor, angles: Sequence[float]
          ) -> Tuple[np.ndarray, np.ndarray]:
    """Poses as the views see them, ``(M, N, 3)``, and images of them turned, ``(M, A, ...)``."""
    training, device = model.training, next(model.parameters()).device
    model.eval()    # also when training has just ended
    try:
        points, images = model.turn(*(value.to(device) for value in (
            poses, viewpoints, torch.tensor(angles, dtype=torch.float32))))
    finally:
        model.train(training)
    return points[:, 0].cpu().numpy(), images.cpu().numpy()
