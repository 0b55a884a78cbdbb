"""Takes what a linear classifier could tell the camera by out of a pose encoder's answers."""
import copy
from typing import Tuple

import torch
from mmengine.dist import broadcast, is_main_process
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
    have it, and the decoder is as it was. Averaged weights (``EMAHook``) do not get it.

    Args:
        moments: How many moments of the training data are looked at, evenly over them.
        batch_size: Moments at a time.
    """

    def __init__(self, moments: int = 4096, batch_size: int = 64) -> None:
        self.moments, self.batch_size = moments, batch_size

    def before_train(self, runner) -> None:
        """Try it on a few images.

        Raises:
            UserError: The model has no pose encoder with a dense last layer (``output``), the data
                are no images of moments or know one view alone, or training counts iterations,
                whose last checkpoint is written too early.
        """
        if isinstance(runner.train_loop, IterBasedTrainLoop):
            raise UserError('EraseViewsHook works after the last epoch: train by epochs')
        model, dataset = unwrapped(runner.model), runner.train_dataloader.dataset
        layer = _output(model)
        if not isinstance(layer, nn.Linear) or layer.bias is None:
            raise UserError(f'EraseViewsHook: {type(model).__name__} has no pose_encoder whose '
                            'output is a dense layer with a bias')
        try:
            views = self._poses(model, dataset, self.batch_size)[1]
        except (AttributeError, KeyError) as error:
            raise UserError(f'EraseViewsHook: the training data set, {type(dataset).__name__}, '
                            f'gives no images of moments: {error}') from None
        if len(views.unique()) < 2:
            raise UserError('EraseViewsHook: the training data know one view alone, which there is '
                            'nothing to tell from')

    def after_train_epoch(self, runner) -> None:
        """Change the layer, when the epoch was the last."""
        if not self.is_last_train_epoch(runner):
            return
        model = unwrapped(runner.model)
        for buffer in model.buffers():  # ranks have normalised other batches
            broadcast(buffer)
        layer = _output(model)
        if is_main_process():
            poses, views = self._poses(model, runner.train_dataloader.dataset, self.moments)
            erasure = linear_erasure(poses, views)
            weight, bias = layer.weight.detach().double().cpu(), layer.bias.detach().double().cpu()
            layer.bias.data.copy_(erasure.matrix @ bias + erasure.offset)
            layer.weight.data.copy_(erasure.matrix @ weight)
            runner.logger.info('EraseViewsHook: erased what tells apart '
                               f'{len(views.unique())} kinds of images (cameras, and each mirrored '
                               f'where images are flipped), from the poses of {len(poses)}')
        for parameter in layer.parameters():
            broadcast(parameter.data)

    @torch.no_grad()
    def _poses(self, model: nn.Module, dataset, moments: int) -> Tuple[Tensor, Tensor]:
        """Canonical poses ``(M, 3 N)`` of training images, on the CPU, and a number for each camera
        and each mirrored one, ``(M,)``."""
        steps = dataset.pipeline.transforms
        flips = [step for step in steps if isinstance(step, FlipImages)]
        plain = copy.copy(dataset)
        plain.pipeline = BatchCompose([step for step in steps if step not in flips])
        rows = torch.linspace(0, len(dataset) - 1, min(moments, len(dataset))).long()
        device = next(model.parameters()).device
        poses, views, training = [], [], model.training
        model.eval()
        try:
            with torch.random.fork_rng(devices=[]):  # partners and shifts, which are not used
                for some in rows.split(self.batch_size):
                    batch = plain.__getitems__(some.tolist())
                    images, camera = batch['inputs']['images'], batch['data_samples']['camera']
                    shown = [images, *(step.mirror(images) for step in flips[:1])]
                    for number, kind in enumerate(shown):
                        found = model(kind.flatten(0, 1).to(device))
                        poses.append(found.flatten(1).cpu())
                        views.append(len(shown) * camera.flatten() + number)
        finally:
            model.train(training)
        return torch.cat(poses), torch.cat(views)


def _output(model: nn.Module):
    return getattr(getattr(model, 'pose_encoder', None), 'output', None)
