"""Draws what an auto-encoder of images from several views makes of them."""
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from torch import Tensor

from mmviewpose.engine.hooks.lifting_picture_hook import now
from mmviewpose.models.batch_model import unwrapped
from mmviewpose.registry import HOOKS

SHEET = {'images': 'input', 'reconstruction': 'reconstruction\nfrom its own pose',
         'swapped': "swapped\nfrom the next view's pose",
         'shifted': 'shifted input\nby some pixels',
         'shifted_reconstruction': 'reconstruction\nof the shifted input'}
NEEDED = ('images', 'reconstruction', 'swapped', 'pose', 'viewpoint')
MOST_MOMENTS, MOST_BATCHES, OF_A_BATCH = 8, 64, 64  # that are kept
MOST_COLORS = 12    # actions that an embedding tells apart
Found = Dict[str, Tensor]


class EvenSample:
    """Some of a stream whose length nobody knows, evenly over what came so far.

    Args:
        most: At most two times as many less one are kept.
    """

    def __init__(self, most: int) -> None:
        self.most, self.step, self.seen = most, 1, 0
        self.kept: List[Any] = []

    def offer(self, make: Callable[[], Any]) -> None:
        """Keep what ``make()`` gives if it is its turn."""
        if self.seen % self.step == 0:
            self.kept.append(make())
        self.seen += 1
        if len(self.kept) == 2 * self.most:
            self.kept, self.step = self.kept[::2], 2 * self.step


@HOOKS.register_module()
class ViewPicturesHook(Hook):
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

    # Behind what a config may do to the outputs.
    priority = 'LOWEST'

    def __init__(self, enable: bool = False, out_dir: Optional[str] = None, interval: int = 1,
                 moments: int = 4, turned: int = 3, label: str = 'action') -> None:
        self.enable, self.out_dir, self.interval = enable, out_dir, interval
        self.moments, self.turned, self.label = moments, turned, label
        self._forget()

    def _forget(self) -> None:
        self.shown = EvenSample(max(self.moments, self.turned, MOST_MOMENTS))
        self.poses = EvenSample(MOST_BATCHES)

    def before_val_epoch(self, runner) -> None:
        """Begin afresh."""
        self._forget()

    before_test_epoch = before_val_epoch

    def after_val_iter(self, runner, batch_idx: int, data_batch: Any = None,
                       outputs: Optional[Sequence] = None) -> None:
        """Keep some moments of the batch, and some of its poses."""
        found = outputs[0] if outputs else None
        if (not is_main_process() or not isinstance(found, Mapping)
                or any(key not in found for key in NEEDED)):
            return
        labels, count = ('camera', self.label), len(found['pose'])
        every = -(-count // OF_A_BATCH)
        self.poses.offer(lambda: _some(found, ('pose', *labels), slice(None, None, every)))
        if batch_idx % self.interval == 0:
            for row in range(0, count, -(-count // self.moments)):
                self.shown.offer(lambda row=row: _some(found, (*SHEET, *NEEDED, *labels),
                                                       slice(row, row + 1)))

    def after_val_epoch(self, runner, metrics: Optional[dict] = None) -> None:
        """Draw ``views.png``, ``turning.png`` and ``embedding.png``."""
        self._draw(runner, 'val', self._draw_views, self._draw_turning, self._draw_embedding)

    def after_train(self, runner) -> None:
        """Write ``turning.gif``, of the last validation's moments."""
        self._draw(runner, 'val', self._animate)

    def after_test_iter(self, runner, batch_idx: int, data_batch: Any = None,
                        outputs: Optional[Sequence] = None) -> None:
        """As in validation, if asked to draw."""
        if self.enable:
            self.after_val_iter(runner, batch_idx, data_batch, outputs)

    def after_test_epoch(self, runner, metrics: Optional[dict] = None) -> None:
        """Draw all four, if asked to."""
        if self.enable:
            self._draw(runner, 'test', self._draw_views, self._draw_turning, self._animate,
                       self._draw_embedding)

    def _draw(self, runner, mode: str, *actions: Callable) -> None:
        if not self.shown.kept or not is_main_process():
            return
        words = label_words(getattr(runner, f'{mode}_dataloader').dataset, self.label)
        for action in actions:
            try:
                path = action(runner, words, Path(self.out_dir or runner.log_dir))
            except Exception as e:
                runner.logger.warning(f'a picture was not drawn: {type(e).__name__}: {e}')
            else:
                runner.logger.info(f'picture: {path}')

    def _chosen(self, count: int) -> Found:
        """Moments evenly over the data."""
        kept = self.shown.kept
        places = torch.linspace(0, len(kept) - 1, min(count, len(kept))).long().tolist()
        return _joined([kept[place] for place in places])

    def _draw_views(self, runner, words: Sequence[str], folder: Path) -> Path:
        # Here, so that training does not need a working matplotlib.
        from mmviewpose.visualization import view_images_figure
        chosen = self._chosen(self.moments)
        rows = {name: chosen[key].numpy() for key, name in SHEET.items() if key in chosen}
        cameras = _cameras(chosen)
        same = bool((cameras == cameras[0]).all())
        named = [f'camera {number}' for number in cameras[0]] if same else None
        return view_images_figure(
            rows, folder / 'views.png', named, self._heads(chosen, words),
            f'Moments seen by several cameras, and what is decoded of them{_when(runner)}\n'
            'swapped looks like the input where the pose is the same for all views')

    def _turning(self, runner, words: Sequence[str], angles: Sequence[float]) -> Tuple:
        """The first view's poses of some moments, and arguments of their pictures."""
        chosen = self._chosen(self.turned)
        pose, viewpoint, inputs = (chosen[key][:, 0] for key in ('pose', 'viewpoint', 'images'))
        points, images = _turn(unwrapped(runner.model), pose, viewpoint, angles)
        actions = self._heads(chosen, words) or [''] * len(points)
        names = [f'{action}\nseen by camera {number}'.strip() for action, number in
                 zip(actions, _cameras(chosen)[:, 0])]
        return points, dict(angles=angles, images=images, inputs=inputs.numpy(), names=names)

    def _draw_turning(self, runner, words: Sequence[str], folder: Path) -> Path:
        from mmviewpose.visualization import turning_pose_figure
        points, given = self._turning(runner, words, range(0, 360, 45))
        return turning_pose_figure(
            points, folder / 'turning.png', **given, title='Canonical poses turned about the '
            f'vertical{_when(runner)}\nabove the pose: points keep their colours, near ones are '
            'large; below what the decoder makes of it')

    def _animate(self, runner, words: Sequence[str], folder: Path) -> Path:
        from mmviewpose.visualization import animate_turning
        points, given = self._turning(runner, words, range(0, 360, 15))
        return animate_turning(points, folder / 'turning.gif', **given)

    def _draw_embedding(self, runner, words: Sequence[str], folder: Path) -> Path:
        from mmviewpose.visualization import embedding_figure
        parts, some = _joined(self.poses.kept), ''
        if self.label in parts:
            parts, some = _frequent(parts, self.label)
        views = parts['pose'].shape[1]
        poses = parts['pose'].flatten(0, 1).flatten(1).numpy()
        sets = {'camera': _cameras(parts).ravel()}
        if self.label in parts:
            sets = {self.label: np.repeat(_in_words(parts[self.label], words), views), **sets}
        values = [*sets.values(), None]
        return embedding_figure(
            poses, *values[:2], folder / 'embedding.png', tuple(sets),
            f'Canonical poses of {len(poses)} images on their first two principal axes'
            f'{_when(runner)}{some}')

    def _heads(self, chosen: Found, words: Sequence[str]) -> Optional[List[str]]:
        """What the moments are, if that is known."""
        if self.label not in chosen:
            return None
        return [kind if isinstance(kind, str) else f'{self.label} {kind}'
                for kind in _in_words(chosen[self.label], words)]


def _in_words(numbers: Tensor, words: Sequence[str]) -> List[Union[str, int]]:
    return [words[number] if 0 <= number < len(words) else number for number in numbers.tolist()]


def label_words(dataset: Any, label: str) -> Sequence[str]:
    """What a data set's label stands for, if it says that."""
    metainfo = getattr(dataset, 'metainfo', None) or {}
    words = metainfo.get('label_names', {}).get(label)
    return words or (metainfo.get('classes', ()) if label == 'label' else ())


def _some(found: Mapping[str, Tensor], keys: Sequence[str], rows: slice) -> Found:
    """Copies of rows of some entries on the CPU, so that the batch is freed; real numbers as
    float32."""
    some = {key: found[key][rows].detach() for key in keys if key in found}
    return {key: value.to('cpu', torch.float32 if value.is_floating_point() else value.dtype,
                          copy=True) for key, value in some.items()}


def _joined(parts: Sequence[Found]) -> Found:
    return {key: torch.cat([part[key] for part in parts]) for key in parts[0]}


def _frequent(parts: Found, label: str) -> Tuple[Found, str]:
    """Rows of the most frequent labels, as many as there are colours, and words for that."""
    kinds, count = parts[label].unique(return_counts=True)
    if len(kinds) <= MOST_COLORS:
        return parts, ''
    often = kinds[count.argsort(descending=True, stable=True)[:MOST_COLORS]]
    kept = torch.isin(parts[label], often)
    return ({key: value[kept] for key, value in parts.items()},
            f', {MOST_COLORS} of {len(kinds)} kinds of {label}')


def _cameras(found: Found) -> np.ndarray:
    """Number of the camera of each view, ``(M, V)``; from 1 where nobody says."""
    if 'camera' in found:
        return found['camera'].numpy()
    moments, views = found['pose'].shape[:2]
    return np.tile(np.arange(1, views + 1), (moments, 1))


def _when(runner) -> str:
    """How far training is, if it runs."""
    return f' ({now(runner)})' if getattr(runner, 'iter', 0) else ''


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
