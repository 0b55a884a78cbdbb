"""Which of two mirrored depths is a human body: knees and elbows bend one way.

Under a level orthographic camera a lifter G and -G have the same losses in training without 3D
labels (Eq. 2 to 6 of P. Hardy et al., 2022, are blind to the sign of depth), so half of all
trainings end mirrored. Anatomy decides without a label: a triple product changes its sign in a
mirror.
"""
from typing import Dict, NamedTuple, Sequence, Tuple

import torch
from torch import Tensor

from ..skeletons import Skeleton

_LIMBS = (('hip', 'knee', 'ankle', 1.), ('shoulder', 'elbow', 'wrist', -1.))


class Hinge(NamedTuple):
    """A knee or an elbow, by joint numbers.

    Attributes:
        left: Left end of the axis between hips or shoulders.
        right: Its right end.
        first: Hip or shoulder.
        middle: Knee or elbow.
        last: Ankle or wrist.
        sense: 1 for a knee, -1 for an elbow: they bend opposite ways.
    """
    left: int
    right: int
    first: int
    middle: int
    last: int
    sense: float


def hinges(skeleton: Skeleton) -> Tuple[Hinge, ...]:
    """The knees and elbows that a layout has."""
    found = []
    for first, middle, last, sense in _LIMBS:
        for side in ('left', 'right'):
            names = [f'left_{first}', f'right_{first}',
                     *(f'{side}_{joint}' for joint in (first, middle, last))]
            if all(name in skeleton.joints for name in names):
                found.append(Hinge(*map(skeleton.index, names), sense))
    return tuple(found)


def bend_evidence(poses: Tensor, bends: Sequence[Hinge]) -> Tensor:
    """How far each knee and elbow bends the human way; mirrored poses give the negative.

    For a knee, with ``a`` the direction from the right to the left hip, ``u`` from ankle to hip and
    ``k`` from hip to knee, ``det[a, u, k] / (|a| |u|)``: how far, in the unit of the pose, the knee
    lies in front of the line from hip to ankle. For an elbow the negative of the same from
    shoulder, elbow and wrist.

    Args:
        poses: ``(..., K, 3)``, right-handed axes.
        bends: H hinges.

    Returns:
        ``(..., H)``; 0 where the limb is straight or has no length.

    Raises:
        ValueError: There is no hinge.
    """
    if not bends:
        raise ValueError('no knee and no elbow to tell the sign of depth by')
    joint: Dict[str, Tensor] = {
        field: poses[..., [getattr(bend, field) for bend in bends], :]
        for field in Hinge._fields[:-1]}
    across = torch.nn.functional.normalize(joint['left'] - joint['right'], dim=-1)
    along = torch.nn.functional.normalize(joint['first'] - joint['last'], dim=-1)
    bend = joint['middle'] - joint['first']
    sense = poses.new_tensor([hinge.sense for hinge in bends])
    return sense * (torch.linalg.cross(across, along) * bend).sum(-1)
