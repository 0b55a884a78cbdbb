"""What a lifter must agree with itself about, without any 3D label.

P. Hardy et al., "Optimising 2D pose representation: improve accuracy, stability and
generalisability within unsupervised 2D-3D human pose estimation", 2022, Sec. 3.3 and 3.4. Axes and
cameras are those of :mod:`mmviewpose.geometry.view_turn`.
"""
import math
from typing import Callable, List, NamedTuple, Optional, Tuple

import torch
from torch import Tensor

from ..geometry.view_turn import Angle, raise_points, see, turn_view, turn_view_back
from .reduction import reduce

Lift = Callable[[Tensor], Tensor]


class LiftingCycle(NamedTuple):
    """A lifter's predictions and what came of them.

    Attributes:
        poses: The first prediction, ``(B, J, 3)``.
        views: How a camera elsewhere sees it, ``(B, J, 2)``: what the critic judges.
        returned: These views lifted, turned back and seen again, ``(B, J, 2)``.
        quarter_errors: Depths found minus depths known after a quarter turn, one the other way and
            a half turn, ``(3, B, J)``.
    """
    poses: Tensor
    views: Tensor
    returned: Tensor
    quarter_errors: Tensor


def lifting_cycle(lift: Lift, points: Tensor, azimuth: Tensor, elevation: Angle = 0.,
                  pitch: Angle = 0., distance: Optional[Tensor] = None, batched: bool = True,
                  share: Optional[Tensor] = None) -> LiftingCycle:
    """Lift, walk around, lift again; five passes of the lifter.

    Args:
        lift: The lifter G, key points ``(B, J, 2)`` to depths ``(B, J)``.
        points: 2D poses ``(B, J, 2)``.
        azimuth: Where each pose's camera goes, radians ``(B,)``.
        elevation: And how it then leans, radians ``(B,)``.
        pitch: How far cameras look down, radians ``(B,)``; 0 is the paper. Random views turn about
            the vertical, quarter turns about the image's y axis all the same (Eq. 3 to 5).
        distance: Of the camera, ``(B,)`` in the unit of ``points``; None: orthographic (the paper).
        batched: The four passes that do not depend on each other in one call. A lifter whose
            result depends on what else is in a batch (batch normalisation in training) wants them
            apart.
        share: Factor of the gradient that comes back to each depth through ``views``, ``(J,)``
            (w_1 of Eq. 7, which the paper chooses for each network of a part).

    Returns:
        All that the losses need.
    """
    depths = lift(points)
    poses = raise_points(points, depths, distance)
    views = see(turn_view(poses, azimuth, elevation, pitch), distance)
    known = _quarter_turns(poses)
    seen = [views, *(see(pose, distance) for pose in known)]
    found = lift(torch.cat(seen)).chunk(4) if batched else [lift(view) for view in seen]
    returned = raise_points(views, found[0], distance)
    returned = see(turn_view_back(returned, azimuth, elevation, pitch), distance)
    errors = torch.stack([depth - pose[..., 2] for depth, pose in zip(found[1:], known)])
    if share is not None:  # a joint's view depends on no depth but its own
        views = scale_gradient(views, share[:, None])
    return LiftingCycle(poses, views, returned, errors)


def _quarter_turns(poses: Tensor) -> List[Tensor]:
    """Poses ``(B, J, 3)`` after a quarter turn, one the other way and a half turn, Sec. 3.4."""
    x, y, z = poses.unbind(-1)
    return [torch.stack(turned, -1) for turned in ((z, y, -x), (-z, y, x), (-x, y, -z))]


def scale_gradient(values: Tensor, factor: Tensor) -> Tensor:
    """``values``, whose gradient is ``factor`` times what comes."""
    kept = values * factor
    return kept + (values - kept).detach()


def random_views(number: int, azimuth: float = 8 * math.pi / 9, elevation: float = math.pi / 18,
                 like: Optional[Tensor] = None, generator: Optional[torch.Generator] = None
                 ) -> Tuple[Tensor, Tensor]:
    """Angles of a random camera for each pose, uniform between -limit and +limit (Sec. 3.3).

    Args:
        number: How many.
        azimuth: Limit, radians.
        elevation: Limit, radians.
        like: Gives type and device.
        generator: Source of the random numbers.

    Returns:
        Azimuths and elevations, ``(number,)`` each.
    """
    options = {} if like is None else dict(dtype=like.dtype, device=like.device)
    drawn = 2 * torch.rand(2, number, generator=generator, **options) - 1
    return azimuth * drawn[0], elevation * drawn[1]


def reprojection_cycle_loss(returned: Tensor, points: Tensor,
                            weight: Optional[Tensor] = None,
                            reduction: str = 'mean') -> Tensor:
    """Squared distance of the returned key points to those that were given, Eq. 2.

    Args:
        returned: ``(B, J, 2)``, of :func:`lifting_cycle`.
        points: ``(B, J, 2)``.
        weight: What each key point counts in ``'mean'``, ``(J,)``; by default 1/J. With one over
            the number of key points of its part, the loss is the sum of the parts' own means:
            networks of independent parts each get theirs.
        reduction: ``'mean'`` over poses; ``'sum'`` over poses and key points; ``'none'``:
            ``(B, J)``.

    Returns:
        The loss, a scalar for ``'mean'`` and ``'sum'``.
    """
    return _reduce((returned - points).square().sum(-1), weight, reduction)


def quarter_turn_loss(errors: Tensor, weight: Optional[Tensor] = None,
                      reduction: str = 'mean') -> Tensor:
    """Squared errors after quarter and half turns, Eq. 3 to 5, summed over the three.

    Args:
        errors: ``(3, B, J)``, of :func:`lifting_cycle`.
        weight: As in :func:`reprojection_cycle_loss`.
        reduction: As there; ``'none'``: ``(B, J)``.

    Returns:
        The loss, a scalar for ``'mean'`` and ``'sum'``.
    """
    return _reduce(errors.square().sum(0), weight, reduction)


def _reduce(values: Tensor, weight: Optional[Tensor], reduction: str) -> Tensor:
    if reduction == 'mean' and weight is not None:
        return (values.mean(0) * weight).sum()
    return reduce(values, reduction)
