"""View auto-encoder: a training step with each network run once against one call after another."""
import copy
import statistics
import time
from pathlib import Path
from typing import Callable, Dict, List, Optional

import torch
from mmengine.registry import DefaultScope
from torch import Tensor

from mmviewpose.engine.runner import load_config
from mmviewpose.geometry.view_transform import pose_in_view
from mmviewpose.layers.view_autoencoder import as_images
from mmviewpose.models import ViewAutoEncoder
from mmviewpose.registry import MODELS

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / 'configs/viewpose/uvi_synthetic.py'
VIEWS = 2
Batch = Dict[str, Dict[str, Tensor]]


def call_by_call(model: ViewAutoEncoder, batch: Batch) -> Dict[str, Tensor]:
    """The losses as the paper's text reads: for each view an encoder call for its image, its
    shifted image and its other frame, and a decoder call for each of Eq. 4, 5 and 7.

    In training mode batch normalisation sees each call's images alone, not all of a step at once.
    """
    inputs, shift = batch['inputs'], batch['data_samples']['shift']
    image, shifted, partner = ([as_images(inputs[name][:, view]) for view in range(VIEWS)]
                               for name in ('images', 'shifted', 'partner'))
    poses, moved_poses = ([model.pose_encoder(view) for view in views]
                          for views in (image, shifted))
    seen_from, moved_from, other_from = ([model.view_encoder(view) for view in views]
                                         for views in (image, shifted, partner))
    angles = model.exchange_rotations(torch.stack([
        torch.stack([view.angles for view in views], 1)
        for views in (seen_from, moved_from, other_from)]))
    offset = int(torch.randint(1, VIEWS, ()))
    losses = dict.fromkeys(('loss_swap', 'loss_reconstruction', 'loss_shifted',
                            'loss_equivariance'), 0.)
    for view in range(VIEWS):
        def seen(canonical: Tensor, viewpoint, angle: Tensor = angles[:, view]) -> Tensor:
            return pose_in_view(canonical, angle, viewpoint.translation)

        own = seen(poses[view], seen_from[view])
        moved = seen(moved_poses[view], moved_from[view])
        swapped = seen(poses[(view + offset) % VIEWS], seen_from[view])

        def error(loss: Callable, pose: Tensor, target: Tensor) -> Tensor:
            return loss(model.decoder(pose)[:, None], target[:, None])

        losses['loss_swap'] += error(model.swap_loss, swapped, image[view])
        losses['loss_reconstruction'] += error(model.reconstruction_loss, own, image[view])
        losses['loss_shifted'] += error(model.reconstruction_loss, moved, shifted[view])
        losses['loss_equivariance'] += model.equivariance_loss(
            own[:, None], moved[:, None], shift[:, view, None])
    return losses


def batched(model: ViewAutoEncoder, batch: Batch) -> Dict[str, Tensor]:
    """The losses as our model computes them."""
    return model(**batch, mode='loss')


FORMS = {'calls': call_by_call, 'ours': batched}


def _model(options: Optional[dict]) -> ViewAutoEncoder:
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmviewpose'):
        return MODELS.build(load_config(str(CONFIG), options).model)


def _batch(size: int, image_size: int = 48) -> Batch:
    """Noise in the form of a batch of moments."""
    generator = torch.Generator().manual_seed(0)
    inputs = {name: torch.randint(256, (size, VIEWS, 3, image_size, image_size),
                                  generator=generator, dtype=torch.uint8)
              for name in ('images', 'shifted', 'partner')}
    shift = torch.rand(size, VIEWS, 2, generator=generator)
    return dict(inputs=inputs, data_samples=dict(shift=shift))


@torch.no_grad()
def largest_difference(model: ViewAutoEncoder, batch: Batch) -> float:
    """Relative difference of the losses of both forms where it is largest, in evaluation mode."""
    model.eval()
    found = []
    for form in FORMS.values():
        torch.manual_seed(0)  # the same rotations are exchanged
        found.append(form(model, batch))
    return max(abs(float(found[0][name]) / float(value) - 1) for name, value in found[1].items())


def _medians(model: ViewAutoEncoder, batch: Batch, rounds: int) -> Dict[str, float]:
    """Milliseconds of processor time of a step of each form, each with its own copy of the model;
    they take turns, so that what else the machine does matters little."""
    models = {name: copy.deepcopy(model).train() for name in FORMS}
    optimizers = {name: torch.optim.Adam(own.parameters()) for name, own in models.items()}
    times: Dict[str, List[float]] = {name: [] for name in FORMS}
    for turn in range(rounds + 1):
        for name, form in FORMS.items():
            start = time.process_time()
            loss, _ = models[name].parse_losses(form(models[name], batch))
            optimizers[name].zero_grad()
            loss.backward()
            optimizers[name].step()
            if turn:
                times[name].append(1e3 * (time.process_time() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def run(batch_size: int = 24, rounds: int = 15, options: Optional[dict] = None
        ) -> Dict[str, float]:
    """Times forward + backward + step of Adam of the small auto-encoder of ``uvi_synthetic.py``
    (48 px, width 16) in float32 on one thread.

    Args:
        batch_size: Moments of two views.
        rounds: Measurements of each form at ``batch_size``, and twice as many at the paper's 5.
        options: Entries of the config to change.

    Returns:
        ``calls_ms`` a step with one call after another, ``ours_ms`` and their quotient ``ratio``;
        the same at the paper's batch of 5 moments, ``..._batch5``; ``max_loss_rel_diff``, the
        largest relative difference of the two forms' losses in evaluation mode.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    found: Dict[str, float] = {}
    try:
        model = _model(options)
        for size, ending, turns in ((batch_size, '', rounds), (5, '_batch5', 2 * rounds)):
            medians = _medians(model, _batch(size), turns)
            found[f'ratio{ending}'] = medians['calls'] / medians['ours']
            found.update({f'{name}_ms{ending}': value for name, value in medians.items()})
        found['max_loss_rel_diff'] = largest_difference(model, _batch(batch_size))
    finally:
        torch.set_num_threads(before)
    return found
