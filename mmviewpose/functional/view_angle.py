"""How far apart two cameras look, from what they saw.

The consistency loss of papers/two_views.txt lives on what one camera sees and the other does not:
depth. Cameras that look along one line, from the same or from opposite sides, give it next to none
(Sec. 4.7), so :func:`view_angle_problem` warns of them. With a lifter's predictions the angle is
that of :func:`view_angle`; without, :func:`view_angle_from_keypoints` tells it roughly.
"""
from typing import NamedTuple, Optional

import numpy as np
import torch
from torch import Tensor

from mmviewpose.geometry.alignment import similarity_transform
from mmviewpose.skeletons import Skeleton

from .image_motion import movement, octaves

NEARLY_PARALLEL, NEARLY_OPPOSITE = 20., 150.
# Degrees about the first estimate of `view_angle_from_keypoints` in which it is made better.
_REFINED = 30.


class ViewAngle(NamedTuple):
    """Where camera b looks, seen from camera a; degrees."""
    viewing: Tensor  # (...) between the viewing directions, 0 to 180
    vertical: Tensor  # (...) of b's direction about the vertical, -180 to 180
    rotation: Tensor  # (...) of the whole rotation, 0 to 180


def view_angle(a: Tensor, b: Tensor, weight: Optional[Tensor] = None) -> ViewAngle:
    """Angle between two cameras from the poses that a lifter predicts in each.

    The rotation is that of the similarity transform of the whole sequence (Eq. 3, 4), of poses
    about their middle, so that the predictions need no common place, scale or root.

    Args:
        a: ``(..., T, K, 3)`` in camera a's axes (x right, y down, z forward), any unit.
        b: ``(..., T, K, 3)`` the same moments in camera b's axes, any unit.
        weight: Non-negative weights or a mask of the joints, ``(..., T, K)``.

    Returns:
        The angles, each ``(...)``.

    Raises:
        ValueError: The shapes do not fit.
    """
    if a.shape != b.shape or a.ndim < 3 or a.shape[-1] != 3:
        raise ValueError('the two sequences must both be (..., T, K, 3), got '
                         f'{tuple(a.shape)} and {tuple(b.shape)}')
    if weight is not None:
        weight = weight.to(a.dtype).expand(a.shape[:-1])
    a, b = (_about_middle(poses, weight).flatten(-3, -2) for poses in (a, b))
    rotation = similarity_transform(a, b, None if weight is None else weight.flatten(-2)).rotation
    trace = rotation.diagonal(dim1=-2, dim2=-1).sum(-1)
    return ViewAngle(torch.rad2deg(rotation[..., 2, 2].clamp(-1, 1).acos()),
                     torch.rad2deg(torch.atan2(rotation[..., 2, 0], rotation[..., 2, 2])),
                     torch.rad2deg((.5 * (trace - 1)).clamp(-1, 1).acos()))


def _about_middle(poses: Tensor, weight: Optional[Tensor]) -> Tensor:
    if weight is None:
        return poses - poses.mean(-2, keepdim=True)
    seen = poses.masked_fill(weight.unsqueeze(-1) == 0, 0.)
    total = weight.sum(-1)[..., None, None].clamp(min=1e-12)
    return seen - (seen * weight.unsqueeze(-1)).sum(-2, keepdim=True) / total


def view_angle_from_keypoints(keypoints_a: np.ndarray, scores_a: np.ndarray,
                              keypoints_b: np.ndarray, scores_b: np.ndarray, fps: float,
                              skeleton: Skeleton) -> float:
    """Roughly the angle between two upright cameras, from 2D alone.

    Far cameras that stand upright at an angle see x_a and x_b = x_a cos + z sin, and one height y.
    A first estimate is the angle whose cosine is the correlation of x_a and x_b, right where the
    body is as deep as it is wide. Around it the angle is taken at which bones keep their length,

        L^2 sin^2 = dy^2 sin^2 + dx_a^2 + dx_b^2 - 2 dx_a dx_b cos,

    over time and on both sides of the body: the variance of this over sin is the least. On motion
    capture half of the errors are below 4 degrees where people move freely, below 10 where they
    hardly turn or bend; noise draws angles near 0 and 180 towards 90.

    Args:
        keypoints_a, keypoints_b: (T, K, 2) px, the same moments.
        scores_a, scores_b: (T, K); 0: not seen.
        fps: Frames per second.
        skeleton: Of the key points.

    Returns:
        Degrees, 0 to 180; NaN where no bone is seen in both.
    """
    (a, weight_a), (b, weight_b) = (_smooth_about_middle(*view, fps) for view in (
        (keypoints_a, scores_a), (keypoints_b, scores_b)))
    child, parent = np.array(skeleton.bones).T
    weight = weight_a * weight_b
    bone_weight = weight[:, child] * weight[:, parent]
    heights = [(weight * np.square(points[..., 1])).sum() for points in (a, b)]
    if bone_weight.sum() == 0 or min(heights) == 0:
        return float('nan')
    b = b * np.sqrt(heights[0] / heights[1])
    x_a, x_b = a[..., 0], b[..., 0]
    cosine = (weight * x_a * x_b).sum() / max(
        np.sqrt((weight * x_a ** 2).sum() * (weight * x_b ** 2).sum()), 1e-12)
    first = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    degrees = np.arange(1., 180.)
    degrees = degrees[np.abs(degrees - first) <= _REFINED]
    (dx_a, dy_a), (dx_b, dy_b) = (np.moveaxis(points[:, child] - points[:, parent], -1, 0)
                                  for points in (a, b))
    terms = [np.square(.5 * (dy_a + dy_b)), dx_a ** 2 + dx_b ** 2, -2 * dx_a * dx_b]
    products = _covariances(terms, bone_weight, skeleton)
    radians = np.radians(degrees)
    factors = np.stack([np.sin(radians) ** 2, np.ones_like(radians), np.cos(radians)])
    variance = np.einsum('it,ij,jt->t', factors, products, factors) / factors[0]
    return float(degrees[variance.argmin()])


def _smooth_about_middle(keypoints: np.ndarray, scores: np.ndarray, fps: float):
    points, weights = (values[:, :-1] for values in movement(keypoints, scores))
    points = octaves(points, fps)[1][1]
    total = np.maximum(weights.sum(1), 1e-9)[:, None, None]
    return points - (points * weights[..., None]).sum(1, keepdims=True) / total, weights


def _covariances(terms, weight: np.ndarray, skeleton: Skeleton) -> np.ndarray:
    """(3, 3) summed products of terms (T, K - 1) about their means of each bone and its mirror."""
    group = np.arange(len(skeleton.bones))
    for left, right in skeleton.symmetric_bones:
        group[right] = left
    member = np.eye(len(group))[group]
    total = np.maximum(member.T @ weight.sum(0), 1e-12)
    centred = np.stack([term - (member.T @ (weight * term).sum(0) / total)[group]
                        for term in terms])
    return np.einsum('itk,jtk,tk->ij', centred, centred, weight)


def view_angle_problem(degrees: float, slack: float = 0.) -> str:
    """Why two cameras at this angle teach a lifter little, or '' if they do not.

    Args:
        degrees: Between the viewing directions, 0 to 180.
        slack: How much sooner to warn, degrees; 10 fits :func:`view_angle_from_keypoints`.
    """
    if degrees >= NEARLY_OPPOSITE - slack:
        return (f'the cameras look at each other (about {degrees:.0f} degrees): consistency hardly '
                'sees depth and can make a lifter worse; about 90 degrees is best')
    if degrees < NEARLY_PARALLEL + slack:
        return (f'the cameras look the same way (about {degrees:.0f} degrees): consistency hardly '
                'sees depth; about 90 degrees is best')
    return ''
