"""Losses on images of one moment that several views see, without a label.

Terms of F. Sardari et al., "Unsupervised view-invariant human posture representation",
2021 (the paper). Images are ``(B, V, C, H, W)``: B moments, V views of each.
"""
from torch import Tensor

from .reduction import reduce


def swap_views(poses: Tensor, offset: int = 1) -> Tensor:
    """Exchange what belongs to one moment between its views.

    View v gets what view ``v + offset`` had, modulo V: with two views, swapping twice is the
    identity.

    Args:
        poses: Anything with a view axis, ``(B, V, ...)``.
        offset: How far, 1 to V - 1; 0 exchanges nothing.
    """
    return poses.roll(-offset, 1)


def view_reconstruction_loss(decoded: Tensor, images: Tensor, reduction: str = 'mean') -> Tensor:
    """Squared error of decoded images: Eq. 4, 5 and 7 of the paper.

    Which loss it is depends on what was decoded: each view's own pose (Eq. 5), that of the shifted
    image (Eq. 7), or the pose that another view found (swap-invariance, Eq. 4).

    Args:
        decoded: ``(B, V, C, H, W)``.
        images: The same shape.
        reduction: ``'mean'``: the mean over moments and values, summed over views; ``'sum'``; or
            ``'none'`` for the mean over values, ``(B, V)``.
    """
    error = (decoded - images).square().flatten(2)
    if reduction == 'sum':
        return error.sum()
    error = error.mean(2)
    return error.mean(0).sum() if reduction == 'mean' else reduce(error, reduction)


def equivariance_loss(poses: Tensor, moved: Tensor, shift: Tensor, reduction: str = 'mean'
                      ) -> Tensor:
    """A person who is moved in the image moves all pose features alike: Eq. 6 of the paper.

    The squared error between the view-specific pose features of an image, plus the shift, and
    those of the shifted image.

    Args:
        poses: View-specific features of the images, ``(B, V, N, 3)``.
        moved: Those of the shifted images.
        shift: ``(B, V, 2)``: how far each image was moved, x right, y down, in the features' unit:
            two times the pixels over the image's side. Depth does not change.
        reduction: As for :func:`view_reconstruction_loss`; ``'none'`` is the mean over features.
    """
    error = moved - poses
    place = (error[..., :2] - shift.unsqueeze(-2)).square().sum(-1)
    error = (place + error[..., 2].square()) / 3  # (B, V, N)
    if reduction == 'sum':
        return 3 * error.sum()
    error = error.mean(2)
    return error.mean(0).sum() if reduction == 'mean' else reduce(error, reduction)


def view_bias_loss(poses: Tensor, reduction: str = 'mean') -> Tensor:
    """How far the mean canonical pose of a view is from that of all views; not in the paper.

    All views see the same moments, so that a mean that differs is what the view adds; it is also
    what a linear classifier knows the view by. Single poses may differ as the images make them: a
    penalty on each of them drives the features to one number that all views see well.

    Args:
        poses: Canonical poses, ``(B, V, N, 3)``.
        reduction: ``'mean'`` or ``'sum'`` over views and features, or ``'none'`` for
            ``(V, N, 3)``.
    """
    mean = poses.mean(0)
    return reduce((mean - mean.mean(0)).square(), reduction)
