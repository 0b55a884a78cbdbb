"""Metrics of auto-encoders of images from several views."""
from typing import Any, Dict, Optional, Sequence

import torch
from torch import Tensor

from mmviewpose.functional.linear_probe import linear_probe_accuracy
from mmviewpose.registry import METRICS

from .base import BatchedMetric, Column


@METRICS.register_module()
class ViewImageError(BatchedMetric):
    """How well images are decoded, from their own pose and from the pose another view found.

    Of each of the two: ``mse``, the mean square error, and ``iou``, how far the silhouettes
    overlap (1: the same). The silhouette of an image is where a channel is above 0, that of a
    decoded one where a channel is above ``threshold``.

    Args:
        threshold: As above.
        **kwargs: ``collect_device``, ``prefix``, ``collect_dir``.
    """

    decoded = ('reconstruction', 'swapped')

    def __init__(self, threshold: float = .25, **kwargs) -> None:
        super().__init__([f'{name}_{kind}' for name in self.decoded for kind in ('mse', 'iou')],
                         **kwargs)
        self.threshold = threshold

    def process(self, data_batch: Any, data_samples: Sequence[Dict[str, Any]]) -> None:
        """Reduce the images of a batch to numbers, ``(B,)``."""
        found = []
        for sample in data_samples:
            images = sample['images']
            numbers = dict(index=sample['index'])
            for name in self.decoded:
                numbers[f'{name}_mse'] = (sample[name] - images).square().flatten(1).mean(1)
                numbers[f'{name}_iou'] = self._overlap(sample[name], images)
            found.append(numbers)
        super().process(data_batch, found)

    def _overlap(self, decoded: Tensor, images: Tensor) -> Tensor:
        """Of the silhouettes of ``(B, V, C, H, W)``, mean over views ``(B,)``."""
        first, second = decoded.amax(2) > self.threshold, images.amax(2) > 0
        both, either = (part.flatten(2).sum(2) for part in (first & second, first | second))
        return (both / either.clamp_min(1)).mean(1)

    def compute(self, results: Dict[str, Column]) -> Dict[str, float]:
        """Means over the data set."""
        return {name: results[name].double().mean().item() for name in self.fields
                if name != 'index'}


@METRICS.register_module()
class ViewLeakage(BatchedMetric):
    """Whether the camera can be read off the canonical pose, and off the viewpoint.

    A linear probe for the camera is fitted on every second clip and tested on the others. Results
    are accuracies in % of the cameras together, ``pose_probe`` and ``view_probe``, with
    ``chance``; and the same of the cameras that ``seen`` names, ``.../seen``.

    Args:
        seen: Numbers of the cameras that training saw, if others are in the test.
        **kwargs: ``collect_device``, ``prefix``, ``collect_dir``.
    """

    def __init__(self, seen: Optional[Sequence[int]] = None, **kwargs) -> None:
        super().__init__(['pose', 'viewpoint', 'camera', 'clip'], **kwargs)
        self.seen = None if seen is None else list(seen)

    def compute(self, results: Dict[str, Column]) -> Dict[str, float]:
        """The probes' accuracies.

        Raises:
            ValueError: Fewer than two cameras or clips.
        """
        found = self._probes(results, '')
        if self.seen is not None:
            found.update(self._probes(results, '/seen'))
        return found

    def _probes(self, results: Dict[str, Column], ending: str) -> Dict[str, float]:
        camera = results['camera'].flatten()
        kept = torch.ones_like(camera, dtype=torch.bool)
        if ending:
            kept = torch.isin(camera, camera.new_tensor(self.seen))
        classes, label = camera[kept].unique(return_inverse=True)
        views = results['camera'].shape[1]
        half = (results['clip'] % 2 == 0).repeat_interleave(views)[kept]
        if len(classes) < 2 or not half.any() or half.all():
            raise ValueError(f'probes for the camera need two cameras and two clips, got cameras '
                             f'{classes.tolist()}')
        found = {}
        for name, field in (('pose_probe', 'pose'), ('view_probe', 'viewpoint')):
            features = results[field].flatten(0, 1).flatten(1)[kept]
            found[name + ending] = 100 * linear_probe_accuracy(
                features[half], label[half], features[~half], label[~half])
        return dict(found, **{f'chance{ending}': 100 / len(classes)})
