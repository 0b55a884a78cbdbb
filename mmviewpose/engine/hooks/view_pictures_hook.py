"""Draws what an auto-encoder of images from several views makes of them."""
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence

import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from torch import Tensor

from mmviewpose.models.batch_model import unwrapped
from mmviewpose.registry import HOOKS

SHEET = {'images': 'input', 'reconstruction': 'its reconstruction',
         'swapped': "from another\nview's pose", 'shifted': 'shifted',
         'shifted_reconstruction': 'its reconstruction '}
NEEDED = ('images', 'reconstruction', 'swapped', 'pose', 'viewpoint')
MOST_BATCHES, MOST_POSES = 64, 6000


@HOOKS.register_module()
class ViewPicturesHook(Hook):
    """After each validation ``views.png``, inputs with what was decoded of them; ``turning.png``
    and ``turning.gif``, canonical poses turned and decoded; and ``embedding.png``, where canonical
    poses lie, by action and by camera. The same in tests that are asked to draw::

        custom_hooks = [dict(type='mmviewpose.ViewPicturesHook')]

    Outputs of other models are passed over. Only rank 0 draws, what it predicted itself. A picture
    that cannot be drawn is a warning in the log, never the end of a run.

    Args:
        enable: Draw in tests; ``tools/test.py --show-dir DIR`` switches it on for the config's
            ``visualization`` hook.
        out_dir: Folder of the pictures; the run's log folder by default.
        interval: A moment is taken from every so-manyth batch.
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
        self.kept: List[Dict[str, Tensor]] = []         # a moment a batch
        self.poses: List[Dict[str, Tensor]] = []        # canonical poses and labels

    def after_val_iter(self, runner, batch_idx: int, data_batch: Any = None,
                       outputs: Optional[Sequence] = None) -> None:
        """Keep a moment of the batch, and its poses."""
        found = outputs[0] if outputs else None
        if (not is_main_process() or not isinstance(found, Mapping)
                or any(key not in found for key in NEEDED)):
            return
        if batch_idx % self.interval == 0 and len(self.kept) < MOST_BATCHES:
            self.kept.append({key: value[0].detach().float().cpu() for key, value in found.items()
                              if key in (*SHEET, *NEEDED)})
        if sum(len(part['pose']) for part in self.poses) < MOST_POSES:
            self.poses.append({key: found[key].detach().cpu()
                               for key in ('pose', 'camera', self.label) if key in found})

    def after_val_epoch(self, runner, metrics: Optional[dict] = None) -> None:
        """Draw."""
        self._draw(runner, runner.val_dataloader)

    def after_test_iter(self, runner, batch_idx: int, data_batch: Any = None,
                        outputs: Optional[Sequence] = None) -> None:
        """As in validation, if asked to draw."""
        if self.enable:
            self.after_val_iter(runner, batch_idx, data_batch, outputs)

    def after_test_epoch(self, runner, metrics: Optional[dict] = None) -> None:
        """Draw, if asked to."""
        if self.enable:
            self._draw(runner, runner.test_dataloader)

    def _draw(self, runner, loader) -> None:
        if not self.kept or not is_main_process():
            return
        folder = Path(self.out_dir or runner.log_dir)
        for draw in (self._draw_views, self._draw_turning, self._draw_embedding):
            try:
                path = draw(runner, loader, folder)
            except Exception as e:
                runner.logger.warning(f'a picture was not drawn: {type(e).__name__}: {e}')
            else:
                runner.logger.info(f'picture: {path}')
        self._forget()

    def _chosen(self, count: int) -> List[Dict[str, Tensor]]:
        places = torch.linspace(0, len(self.kept) - 1, min(count, len(self.kept))).long().tolist()
        return [self.kept[place] for place in places]

    def _draw_views(self, runner, loader, folder: Path) -> Path:
        # Here, so that training does not need a working matplotlib.
        from mmviewpose.visualization import view_images_figure
        chosen = self._chosen(self.moments)
        rows = {name: torch.stack([moment[key] for moment in chosen]).numpy()
                for key, name in SHEET.items() if key in chosen[0]}
        return view_images_figure(rows, folder / 'views.png')

    def _draw_turning(self, runner, loader, folder: Path) -> Path:
        from mmviewpose.visualization import animate_turning, turning_pose_figure
        chosen = self._chosen(self.turned)
        model = unwrapped(runner.model)
        device = next(model.parameters()).device
        pose, viewpoint = (torch.stack([moment[key][0] for moment in chosen]).to(device)
                           for key in ('pose', 'viewpoint'))

        def turned(degrees: Sequence[float]) -> List:
            with torch.no_grad():
                found = model.turn(pose, viewpoint, torch.tensor(degrees, device=device))
            return [part.cpu().numpy() for part in found] + [degrees]

        animate_turning(*turned([15. * step for step in range(24)]), path=folder / 'turning.gif')
        return turning_pose_figure(*turned([45. * step for step in range(-4, 5)]),
                                   path=folder / 'turning.png')

    def _draw_embedding(self, runner, loader, folder: Path) -> Path:
        from mmviewpose.visualization import embedding_figure
        parts = {key: torch.cat([part[key] for part in self.poses]) for key in self.poses[0]}
        poses = parts['pose'].flatten(0, 1).flatten(1).numpy()
        views = parts['pose'].shape[1]
        camera = parts.get('camera', torch.arange(1, views + 1).expand(len(parts['pose']), -1))
        camera = camera.flatten().numpy()
        path, title = folder / 'embedding.png', 'Canonical poses on their first two principal axes'
        if self.label not in parts:
            return embedding_figure(poses, camera, None, path, ('camera', ''), title)
        label = parts[self.label].repeat_interleave(views).tolist()
        words = getattr(loader.dataset, 'metainfo', {}).get('label_names', {}).get(self.label)
        return embedding_figure(poses, [words[number] if words else number for number in label],
                                camera, path, (self.label, 'camera'), title)
