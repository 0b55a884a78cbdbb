"""Takes what a linear classifier could tell the camera by out of a pose encoder's answers."""
import copy
from typing import Tuple

import torch
from mmengine.dist import broadcast
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop
from torch import Tensor, nn

from mmviewpose.datasets.datasets.array_dataset import BatchCompose
from mmviewpose.datasets.transforms.images import FlipImages
from mmviewpose.errors import UserError
from mmviewpose.functional import linear_erasure
from mmviewpose.models.batch_model import unwrapped
from mmviewpose.registry import HOOKS


@HOOKS.register_module()
class EraseViewsHook(Hook):
    """After the last epoch, changes the last layer of ``model.pose_encoder`` so that the mean
    canonical pose is the same for every camera that trained, and, where the pipeline flips images,
    for every camera's mirrored images; not in the papers::

        custom_hooks = [dict(type='mmviewpose.EraseViewsHook')]

    All views see the same moments, so that what their means differ in says nothing of the people.
    :func:`~mmviewpose.functional.linear_erasure` of the training images' poses is multiplied into
    the layer's weights: the network stays as large as it was, the last validation and checkpoint
    have it, and the decoder is as it was.

    Args:
        moments: How many moments of the training data are looked at, evenly over them.
        batch_size: Moments at a time.
    """

    def __init__(self, moments: int = 4096, batch_size: int = 64) -> None:
        self.moments, self.batch_size = moments, batch_size

    def before_train(self, runner) -> None:
        """Check that there is something to change.

        Raises:
            UserError: The model has no pose encoder with a dense last layer (``output``), or
                training counts iterations, whose last checkpoint is written too early.
        """
        if isinstance(runner.train_loop, IterBasedTrainLoop):
            raise UserError('EraseViewsHook works after the last epoch: train by epochs')
        if not isinstance(self._output(runner), nn.Linear):
            raise UserError(f'EraseViewsHook: {type(unwrapped(runner.model)).__name__} has no '
                            'pose_encoder whose output is a dense layer')

    @torch.no_grad()
    def after_train_epoch(self, runner) -> None:
        """Change the layer, when the epoch was the last."""
        if not self.is_last_train_epoch(runner):
            return
        model = unwrapped(runner.model)
        model.eval()
        poses, views = self._poses(model, runner.train_dataloader.dataset)
        model.train()
        matrix, offset = linear_erasure(poses, views)
        layer = self._output(runner)
        layer.bias.copy_(matrix @ layer.bias.double() + offset)
        layer.weight.copy_(matrix @ layer.weight.double())
        for parameter in layer.parameters():  # ranks may have normalised other batches
            broadcast(parameter.data)
        runner.logger.info(f'EraseViewsHook: took {len(views.unique())} views out of the poses of '
                           f'{len(poses)} images')

    def _poses(self, model: nn.Module, dataset) -> Tuple[Tensor, Tensor]:
        """Canonical poses ``(M, 3 N)`` of training images, and a number for each view and each
        mirrored one, ``(M,)``."""
        flips = [step for step in dataset.pipeline.transforms if isinstance(step, FlipImages)]
        plain = copy.copy(dataset)
        plain.pipeline = BatchCompose([step for step in dataset.pipeline.transforms
                                       if step not in flips])
        rows = torch.linspace(0, len(dataset) - 1, min(self.moments, len(dataset))).long()
        device = next(model.parameters()).device
        poses, views = [], []
        for some in rows.split(self.batch_size):
            images = plain.__getitems__(some.tolist())['inputs']['images']
            shown = torch.cat([images, *(step.mirror(images) for step in flips[:1])], 1)
            found = model(shown.flatten(0, 1).to(device))
            poses.append(found.flatten(1))
            views.append(torch.arange(shown.shape[1], device=device).repeat(len(shown)))
        return torch.cat(poses), torch.cat(views)

    @staticmethod
    def _output(runner):
        return getattr(getattr(unwrapped(runner.model), 'pose_encoder', None), 'output', None)
