"""Making features blind to a label by the smallest linear change."""
from typing import NamedTuple

import torch
from torch import Tensor


class Erasure(NamedTuple):
    """An affine map of features, ``matrix @ feature + offset``.

    Attributes:
        matrix: ``(D, D)`` float64.
        offset: ``(D,)`` float64.
    """
    matrix: Tensor
    offset: Tensor


def linear_erasure(features: Tensor, labels: Tensor, tolerance: float = 1e-12) -> Erasure:
    """The affine map after which all classes have one mean, so that no linear classifier does
    better, in any convex loss on these features, than one that sees nothing; of all such maps the
    one that moves the features least in the mean square.

    Source: N. Belrose et al., "LEACE: Perfect linear concept erasure in closed form", 2023,
    Theorem 4.3: the means of the classes, in coordinates in which the features are white, span a
    space, and the projection along it is taken back. What the classes differ in beyond their means
    stays.

    Args:
        features: ``(N, D)``.
        labels: Class of each, any integers, ``(N,)``.
        tolerance: Directions with less than this part of the largest variance count as constant,
            and keep what they tell.

    Raises:
        ValueError: Features that are not finite, fewer than two classes, or another number of
            labels than of features.
    """
    features = features.detach().double().flatten(1)
    if labels.shape != features.shape[:1]:
        raise ValueError(f'{len(features)} features have labels of shape {tuple(labels.shape)}')
    if not features.isfinite().all():
        raise ValueError('features hold values that are not finite')
    classes = labels.unique()
    if len(classes) < 2:
        raise ValueError('to erase a label there must be at least two classes')
    mean = features.mean(0)
    centred = features - mean
    variance, axes = torch.linalg.eigh(centred.T @ centred / len(features))
    kept = variance > tolerance * variance[-1]
    if not kept.any():  # one feature for all: there is nothing to tell
        return Erasure(torch.eye(len(mean), dtype=mean.dtype, device=mean.device),
                       torch.zeros_like(mean))
    deviation, axes = variance[kept].sqrt(), axes[:, kept]
    whitened = torch.stack([centred[labels == label].mean(0) for label in classes])
    whitened = whitened @ axes / deviation  # (classes, kept)
    _, sizes, directions = torch.linalg.svd(whitened, full_matrices=False)
    directions = directions[sizes > 1e-6]  # in standard deviations: less is rounding
    forth, back = axes * deviation, axes / deviation
    erased = forth @ directions.T @ directions @ back.T
    matrix = torch.eye(len(mean), dtype=mean.dtype, device=mean.device) - erased
    return Erasure(matrix, erased @ mean)
