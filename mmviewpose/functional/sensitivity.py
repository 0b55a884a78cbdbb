"""Which predicted depths depend on which 2D key points."""
from typing import Callable, Mapping, NamedTuple, Optional, Sequence, Tuple

import torch
from torch import Tensor


class KeypointSensitivity(NamedTuple):
    """How predicted depths change when one 2D key point is scaled about the root.

    Axis 1 of the changes is the key point that is scaled, axis 2 the ordinate (predicted depth)
    that is looked at. All are in the unit of the predicted depths: of a normalised pose, its
    largest absolute 2D coordinate.

    Attributes:
        factors: What the key points were multiplied by, ``(F,)``.
        magnitude: Mean over poses of \\|change\\|, ``(F, J, J)`` float64.
        mean: Mean over poses of the signed change, ``(F, J, J)`` float64.
        std: Its standard deviation over poses (divided by their number), ``(F, J, J)`` float64.
    """
    factors: Tensor
    magnitude: Tensor
    mean: Tensor
    std: Tensor

    @property
    def matrix(self) -> Tensor:
        """Mean over factors of ``magnitude``, ``(J, J)``."""
        return self.magnitude.mean(0)


def paper_factors() -> Tensor:
    """The 201 factors of part_lifting, Sec. 5: -95 % to 105 % in steps of 1 %, ``(201,)``."""
    return torch.arange(-95, 106) / 100.


@torch.no_grad()
def keypoint_sensitivity(lift: Callable[[Tensor], Tensor], points: Tensor, factors: Tensor,
                         max_rows: int = 16384,
                         report: Optional[Callable[[int], object]] = None) -> KeypointSensitivity:
    """Change of each predicted depth when each 2D key point is scaled (part_lifting, Sec. 5).

    Each key point in turn is multiplied by each factor; the others stay, and the pose is not
    normalised again. A depth that does not depend on a key point changes by exactly 0: changed and
    unchanged poses go through ``lift`` in calls of one shape, each pose in the same row, so that
    rounding is the same too.

    Args:
        lift: Normalised 2D poses ``(N, J, 2)`` to depths ``(N, J)``. It must treat poses one by
            one: a network in evaluation mode.
        points: Normalised 2D poses about their root, ``(B, J, 2)``.
        factors: ``(F,)``; 1 changes nothing.
        max_rows: Most poses in one call of ``lift``.
        report: Called with the number of poses lifted after each call, F * J * B in all.

    Returns:
        The changes, on the device of ``points``.

    Raises:
        ValueError: Wrong shapes, no poses, no factors, or values that are not finite.
    """
    _check(points, factors, max_rows)
    factors = factors.to(points)
    count, joints = points.shape[:2]
    combos = torch.arange(len(factors) * joints, device=points.device)
    rows = min(count, max_rows)                 # poses in a call
    together = min(max_rows // rows, len(combos))   # changes of each pose in a call
    sums = points.new_zeros((3, len(combos), joints), dtype=torch.float64)
    for poses in points.split(rows):
        unchanged = _lift(lift, poses.expand(together, *poses.shape))
        for chosen in combos.split(together):
            # The last call is filled up, for one shape.
            filled = torch.cat([chosen, chosen.new_zeros(together - len(chosen))])
            change = _lift(lift, _scaled(poses, factors, filled)) - unchanged
            change = change[:len(chosen)].double()
            sums[:, chosen] += torch.stack([change.abs().sum(1), change.sum(1),
                                            change.square().sum(1)])
            if report is not None:
                report(len(chosen) * len(poses))
    shape = (len(factors), joints, joints)
    magnitude, mean, square = (total.view(shape) / count for total in sums)
    return KeypointSensitivity(factors, magnitude, mean,
                               (square - mean.square()).clamp(min=0.).sqrt())


def _scaled(poses: Tensor, factors: Tensor, combos: Tensor) -> Tensor:
    """Poses ``(P, J, 2)`` with one key point scaled, ``(C, P, J, 2)``; ``combos`` ``(C,)`` count
    factors, then key points."""
    joints = poses.shape[1]
    scale = poses.new_ones((len(combos), joints))
    scale.scatter_(1, (combos % joints)[:, None], factors[combos // joints][:, None])
    return poses * scale[:, None, :, None]


def _lift(lift: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    """Depths ``(C, P, J)`` of ``(C, P, J, 2)`` by one call."""
    flat = points.reshape(-1, *points.shape[2:])
    depths = lift(flat)
    if depths.shape != flat.shape[:2]:
        raise ValueError(f'lift must give {tuple(flat.shape[:2])} depths of {tuple(flat.shape)} '
                         f'key points, got {tuple(depths.shape)}')
    return depths.view(points.shape[:3])


def _check(points: Tensor, factors: Tensor, max_rows: int) -> None:
    if points.dim() != 3 or points.shape[-1] != 2 or 0 in points.shape:
        raise ValueError(f'points must be (B, J, 2), got {tuple(points.shape)}')
    if factors.dim() != 1 or not len(factors):
        raise ValueError(f'factors must be (F,), got {tuple(factors.shape)}')
    if not (torch.isfinite(points).all() and torch.isfinite(factors).all()):
        raise ValueError('points and factors must be finite')
    if max_rows < 1:
        raise ValueError(f'max_rows must be at least 1, got {max_rows}')


def block_means(matrix: Tensor, parts: Mapping[str, Sequence[int]]
                ) -> Tuple[Optional[float], Optional[float]]:
    """Mean of a key point x ordinate matrix within parts and across parts.

    Args:
        matrix: ``(J, J)``.
        parts: Positions of each part; each of the J is in one part.

    Returns:
        Mean over all pairs of one part (a key point with itself too), and over all pairs of
        different parts; None where there is no such pair.

    Raises:
        ValueError: Parts that repeat or miss a position.
    """
    places = [place for part in parts.values() for place in part]
    if sorted(places) != list(range(len(matrix))):
        raise ValueError(f'parts must hold each of {len(matrix)} positions once, got {parts}')
    number = torch.empty(len(matrix), dtype=torch.long)
    for i, part in enumerate(parts.values()):
        number[list(part)] = i
    same = (number[:, None] == number).to(matrix.device)
    return tuple(float(matrix[mask].mean()) if mask.any() else None for mask in (same, ~same))
