"""A body of tapered capsules around a skeleton pose.

A tapered capsule is the convex hull of two spheres: a cone that touches both, closed by caps. The
body has 19 of them. All is in the world of the poses, in mm, float64.
"""
from functools import lru_cache
from typing import Dict, NamedTuple, Tuple

import numpy as np
import torch
from torch import Tensor

from mmviewpose.skeletons import get_skeleton, remap_matrix

from .directions import carry, cross, length, square_to, unit

GROUPS = ('torso', 'belly', 'arm', 'leg', 'end', 'head')
_JOINTS = get_skeleton('ape17').joints


class Capsule(NamedTuple):
    """One capsule of the body.

    Attributes:
        name: Its name.
        radii: Of the spheres at its start and its end, mm.
        group: Which of `GROUPS` its girth varies with.
        parts: DensePose's numbers of its back, inner or right half and of the other half.
        wears: What covers its back and its front (people.py).
    """
    name: str
    radii: Tuple[float, float]
    group: str
    parts: Tuple[int, int]
    wears: Tuple[str, str]


def _capsules() -> Tuple[Capsule, ...]:
    torso, head = (1, 2), (23, 24)
    both = [
        ('pelvis', (100., 100.), 'torso', torso, 'trousers'),
        ('belly', (88., 96.), 'belly', torso, 'shirt'),
        ('left_flank', (88., 78.), 'torso', torso, 'shirt'),
        ('right_flank', (88., 78.), 'torso', torso, 'shirt'),
        ('shoulders', (62., 62.), 'torso', torso, 'shirt'),
        ('neck', (54., 50.), 'head', head, 'skin'),
        ('left_upper_arm', (52., 42.), 'arm', (15, 17), 'shirt'),
        ('right_upper_arm', (52., 42.), 'arm', (16, 18), 'shirt'),
        ('left_forearm', (42., 30.), 'arm', (19, 21), 'sleeves'),
        ('right_forearm', (42., 30.), 'arm', (20, 22), 'sleeves'),
        ('left_hand', (34., 22.), 'end', (4, 4), 'skin'),
        ('right_hand', (34., 22.), 'end', (3, 3), 'skin'),
        ('left_thigh', (84., 56.), 'leg', (8, 10), 'trousers'),
        ('right_thigh', (84., 56.), 'leg', (7, 9), 'trousers'),
        ('left_shank', (56., 38.), 'leg', (12, 14), 'stockings'),
        ('right_shank', (56., 38.), 'leg', (11, 13), 'stockings'),
        ('left_foot', (40., 30.), 'end', (5, 5), 'shoes'),
        ('right_foot', (40., 30.), 'end', (6, 6), 'shoes'),
    ]
    made = [Capsule(*row[:4], (row[4], row[4])) for row in both]
    made.insert(6, Capsule('head', (68., 82.), 'head', head, ('hair', 'skin')))
    return tuple(made)


CAPSULES = _capsules()
NUM_CAPSULES = len(CAPSULES)
NUM_PARTS = 24  # DensePose's
# bytes of the parts 0..24 in a part map
PART_VALUES = np.rint(np.arange(NUM_PARTS + 1) * (255 / NUM_PARTS)).astype(np.uint8)
_RADII = tuple(capsule.radii for capsule in CAPSULES)


class Body(NamedTuple):
    """The capsules of N bodies, C a body, and the charts on them.

    Attributes:
        start: Centre of the sphere at the start, ``(N, C, 3)`` mm.
        end: That at the end.
        radii: Of both spheres, ``(N, C, 2)`` mm.
        origin: A point on the axis about which a chart turns, ``(N, C, 3)`` mm.
        split: Unit vector that parts the halves: the second half is where it is positive.
        across: Unit vector along which u grows, square to ``split``.
        along: Gradient of v, 1/mm, ``(N, C, 3)``.
        offset: v at the origin, ``(N, C)``.
    """
    start: Tensor
    end: Tensor
    radii: Tensor
    origin: Tensor
    split: Tensor
    across: Tensor
    along: Tensor
    offset: Tensor


@lru_cache(maxsize=None)
def _few_terms(layout: str) -> Tuple[np.ndarray, np.ndarray]:
    """Joints of ape17 as sums of W joints of a layout: which ``(W, 17)`` and weights."""
    matrix = remap_matrix(layout, 'ape17')
    order = np.argsort(-np.abs(matrix), axis=1, kind='stable')
    width = int((matrix != 0).sum(1).max())
    which = order[:, :width]
    weights = np.take_along_axis(matrix, which, 1)
    # a joint without weight must not be asked for: it may be unknown (NaN)
    which = np.where(weights != 0, which, which[:, :1])
    return which.T.copy(), weights.T.copy()


def named_joints(poses: Tensor, layout: str) -> Dict[str, Tensor]:
    """The joints of ape17, each ``(N, 3)`` float64, of poses ``(N, K, 3)`` of any layout.

    Raises:
        KeyError: Unknown layout.
        ValueError: Wrong number of joints, a joint that cannot be had, or one not finite.
    """
    skeleton = get_skeleton(layout)
    if poses.ndim != 3 or poses.shape[1:] != (skeleton.num_joints, 3):
        raise ValueError(f'poses of layout {skeleton.name} must be (N, {skeleton.num_joints}, 3), '
                         f'got {tuple(poses.shape)}')
    which, weights = _few_terms(skeleton.name)
    found = torch.zeros((), dtype=torch.float64, device=poses.device)
    for index, weight in zip(which, weights):  # term by term: the same sum in every batch
        weight = torch.as_tensor(weight, device=poses.device).unsqueeze(-1)
        found = found + weight * poses[:, torch.as_tensor(index, device=poses.device)].double()
    if not found.isfinite().all():
        row = int((~found.isfinite()).flatten(1).any(1).nonzero()[0])
        raise ValueError(f'pose {row} has a key point that is not finite')
    return dict(zip(_JOINTS, found.unbind(1)))


class _Frame(NamedTuple):
    """Unit vectors ``(N, 3)`` of a part of the trunk; front is square to the other two."""
    left: Tensor
    up: Tensor
    front: Tensor


def _frames(joints: Dict[str, Tensor], hips: Tensor) -> Tuple[_Frame, _Frame]:
    """Frames of the pelvis and of the chest."""
    axes = torch.eye(3, dtype=hips.dtype, device=hips.device)
    up = unit(joints['spine_shoulder'] - hips, axes[1])
    at_hips = joints['left_hip'] - joints['right_hip']
    at_shoulders = joints['left_shoulder'] - joints['right_shoulder']
    # where one pair says nothing of the sides, the other does
    at_hips, at_shoulders = _sides(at_hips, at_shoulders, up), _sides(at_shoulders, at_hips, up)
    front = cross(square_to(at_hips, up), up)
    pelvis = _Frame(cross(up, front), up, front)
    front = cross(square_to(at_shoulders, up), up)
    return pelvis, _Frame(unit(at_shoulders, cross(up, front)), up, front)


def _sides(first: Tensor, second: Tensor, up: Tensor) -> Tensor:
    usable = cross(first, up).square().sum(-1, keepdim=True) > 1e-6
    return torch.where(usable, first, second)


def build(joints: Dict[str, Tensor], girth: Tensor) -> Body:
    """Bodies around joints.

    Args:
        joints: Of ape17 by name, each ``(N, 3)`` mm.
        girth: Factors of the radii, ``(N, C)``.
    """
    radii = girth.new_tensor(_RADII) * girth.unsqueeze(-1)
    radius = dict(zip((capsule.name for capsule in CAPSULES), radii.unbind(1)))
    hips = 0.5 * (joints['left_hip'] + joints['right_hip'])
    pelvis, chest = _frames(joints, hips)
    rows = {**_trunk(joints, hips, pelvis, chest, radius), **_head(joints, chest, radius)}
    for side, sign in (('left', 1.), ('right', -1.)):
        rows.update(_arm(joints, side, sign, chest, radius))
        rows.update(_leg(joints, side, pelvis, radius))
    start, end, *chart = (torch.stack(column, 1) for column in
                          zip(*(rows[capsule.name] for capsule in CAPSULES)))
    return Body(start, end, radii, *chart)


class _Row(NamedTuple):
    """A capsule of N bodies: a column of `Body` each, in its order but for the radii."""
    start: Tensor
    end: Tensor
    origin: Tensor
    split: Tensor
    across: Tensor
    along: Tensor
    offset: Tensor


def _limb(start: Tensor, end: Tensor, axis: Tensor, split: Tensor, across: Tensor,
          radii: Tensor) -> _Row:
    """A capsule whose v runs along its axis (unit vector) from pole to pole."""
    whole = length(end - start) + radii.sum(-1, keepdim=True)
    return _Row(start, end, start, split, across, axis / whole, (radii[:, :1] / whole)[:, 0])


def _trunk(joints: Dict[str, Tensor], hips: Tensor, pelvis: _Frame, chest: _Frame,
           radius: Dict[str, Tensor]) -> Dict[str, _Row]:
    """Belly and two flanks, upright, and the bars of pelvis and shoulders across.

    v runs on from the bottom of the pelvis over belly and flanks to the top of the shoulders.
    """
    middle, top = joints['spine_mid'], joints['spine_shoulder']
    low, high = radius['pelvis'][:, :1], radius['shoulders'][:, :1]
    lower, upper = length(middle - hips), length(top - middle)
    whole = low + lower + upper + high
    belly, thorax = unit(middle - hips, pelvis.up), unit(top - middle, chest.up)

    def row(start: Tensor, end: Tensor, frame: _Frame, axis: Tensor, origin: Tensor,
            below: Tensor) -> _Row:
        """A capsule with a chart about a common axis; `below`: mm of v up to its origin."""
        front = square_to(frame.front, axis)
        return _Row(start, end, origin, front, cross(axis, front), axis / whole,
                    (below / whole)[:, 0])

    at_hips = 0.3 * (joints['left_hip'] - joints['right_hip'])
    shoulder = {side: joints[f'{side}_shoulder'] for side in ('left', 'right')}
    between = 0.5 * (shoulder['left'] + shoulder['right'])
    rows = {
        'pelvis': row(hips + at_hips, hips - at_hips, pelvis, pelvis.up, hips, low),
        'belly': row(hips, middle, pelvis, belly, hips, low),
        'shoulders': row(between + 0.9 * (shoulder['left'] - between),
                         between + 0.9 * (shoulder['right'] - between), chest, chest.up, between,
                         low + lower + upper),
    }
    for side in shoulder:
        aside = shoulder[side] - between
        rows[f'{side}_flank'] = row(middle + 0.2 * aside, middle + 0.75 * (top - middle)
                                    + 0.4 * aside, chest, thorax, middle, low + lower)
    return rows


def _head(joints: Dict[str, Tensor], chest: _Frame, radius: Dict[str, Tensor]) -> Dict[str, _Row]:
    """Neck and head; v runs on from one to the other, halves are right and left."""
    base, centre = joints['spine_shoulder'], joints['head']
    axis = unit(centre - base, chest.up)
    front = carry(chest.front, chest.up, axis)
    left = cross(axis, front)
    # the joint is the middle of the head
    chin, crown = centre - 40 * axis, centre + 35 * axis
    whole = length(crown - base) + radius['head'][:, 1:]
    chart = (base, left, front, axis / whole, torch.zeros_like(whole)[:, 0])
    return {'neck': _Row(base, chin, *chart), 'head': _Row(chin, crown, *chart)}


def _arm(joints: Dict[str, Tensor], side: str, sign: float, chest: _Frame,
         radius: Dict[str, Tensor]) -> Dict[str, _Row]:
    """Upper arm, forearm and hand; at rest an arm points sideways, its outer half up."""
    shoulder, elbow, wrist = (joints[f'{side}_{name}'] for name in ('shoulder', 'elbow', 'wrist'))
    rest = sign * chest.left
    upper = unit(elbow - shoulder, rest)
    lower = unit(wrist - elbow, upper)
    rows = {}
    for name, start, end, axis in (
            ('upper_arm', shoulder, elbow, upper), ('forearm', elbow, wrist, lower),
            ('hand', wrist + 30 * lower, wrist + 130 * lower, lower)):
        front = carry(chest.front, rest, axis)
        rows[f'{side}_{name}'] = _limb(start, end, axis, sign * cross(front, axis), front,
                                       radius[f'{side}_{name}'])
    return rows


def _leg(joints: Dict[str, Tensor], side: str, pelvis: _Frame, radius: Dict[str, Tensor]
         ) -> Dict[str, _Row]:
    """Thigh, shank and foot; at rest a leg points down and its foot to the front."""
    hip, knee, ankle = (joints[f'{side}_{name}'] for name in ('hip', 'knee', 'ankle'))
    upper = unit(knee - hip, -pelvis.up)
    lower = unit(ankle - knee, upper)
    rows = {}
    for name, start, end, axis in (('thigh', hip, knee, upper), ('shank', knee, ankle, lower)):
        front = carry(pelvis.front, -pelvis.up, axis)
        rows[f'{side}_{name}'] = _limb(start, end, axis, front, cross(front, axis),
                                       radius[f'{side}_{name}'])
    # `front` and `lower` are those of the shank now
    heel, toes = ankle - 10 * front + 35 * lower, ankle + 145 * front + 48 * lower
    axis = unit(toes - heel, front)
    top = square_to(-lower, axis)
    rows[f'{side}_foot'] = _limb(heel, toes, axis, top, cross(top, axis),
                                 radius[f'{side}_foot'])
    return rows
