"""Mapping positions from one layout to another: one (Kt, Ks) matrix.

A target joint that the source has by name is copied. Any other is a weighted sum of joints (the
weights sum to one, so that the map commutes with translation, and with rotation as any linear
map on the key point axis does), by the first rule below whose joints can be had.
"""
from functools import lru_cache
from typing import Dict, Optional, Tuple, Union

import numpy as np

from .layouts import get_skeleton
from .skeleton import Skeleton

Rule = Dict[str, float]

_MEAN = 0.5
# Standing height of the ear (tragion, 0.93 of the body height) and the shoulders (acromion, 0.82):
# the crown lies 1.6 times as far above the shoulders as the ears do.
_CROWN = 1.6
# Base of the neck to the middle of the head, over base of the neck to the base of the skull: the
# value that gives Bandai-Namco's people (whose shoulders are at 1.27 m) a head at eye height.
_SKULL = 2.5


def _mean_of_sides(joint: str) -> Rule:
    return {f'left_{joint}': _MEAN, f'right_{joint}': _MEAN}


_RULES: Dict[str, Tuple[Rule, ...]] = {
    'pelvis': (_mean_of_sides('hip'),),
    'spine_shoulder': (_mean_of_sides('shoulder'),),
    'spine_mid': ({'pelvis': 0.5, 'spine_shoulder': 0.5},),
    # Where mocap ends at the joint under the skull, the neck is continued into the head.
    'head': (_mean_of_sides('ear'), {'nose': 0.5, 'head_top': 0.5},
             {'head_base': 0.5, 'head_top': 0.5},
             {'head_base': _SKULL, 'spine_shoulder': 1 - _SKULL}),
    # Kinect v2 has its neck at a third of the way from the shoulders to the head.
    'neck': ({'spine_shoulder': 2 / 3, 'head': 1 / 3},),
    'head_top': ({**{k: _CROWN * v for k, v in _mean_of_sides('ear').items()},
                  'spine_shoulder': 1 - _CROWN},
                 {'head': _CROWN, 'spine_shoulder': 1 - _CROWN}),
    'nose': ({'neck': 1 / 3, 'head': 2 / 3},),
}
_PAIRED_RULES: Dict[str, Tuple[Rule, ...]] = {
    '*_hand': ({'*_index': 0.5, '*_pinky': 0.5},),
    '*_foot': ({'*_big_toe': 0.5, '*_small_toe': 0.5}, {'*_toe': 1.}),
}
for _side in ('left', 'right'):
    for _name, _alternatives in _PAIRED_RULES.items():
        _RULES[_name.replace('*', _side)] = tuple(
            {k.replace('*', _side): w for k, w in rule.items()} for rule in _alternatives)


def _row(joint: str, source: Skeleton, asked: Tuple[str, ...] = ()) -> Optional[np.ndarray]:
    """Weights (Ks,) of one joint, or None where no rule gives it."""
    if joint in source.joints:
        return np.eye(source.num_joints)[source.joints.index(joint)]
    if joint in asked:
        return None
    for rule in _RULES.get(joint, ()):
        rows = [_row(part, source, (*asked, joint)) for part in rule]
        if all(row is not None for row in rows):
            return sum(weight * row for weight, row in zip(rule.values(), rows))
    return None


@lru_cache(maxsize=None)
def _matrix(source: str, target: str) -> np.ndarray:
    s, t = get_skeleton(source), get_skeleton(target)
    rows = [_row(joint, s) for joint in t.joints]
    missing = [joint for joint, row in zip(t.joints, rows) if row is None]
    if missing:
        raise ValueError(f'layout {source} cannot be mapped to {target}: it has no '
                         f'{", ".join(missing)} and nothing to estimate it from')
    matrix = np.stack(rows)
    matrix.setflags(write=False)
    return matrix


def remap_matrix(source: str, target: str) -> np.ndarray:
    """The (Kt, Ks) float64 matrix that maps positions of `source` to `target`; rows sum to 1.

    Raises:
        KeyError: Unknown layout.
        ValueError: A target joint cannot be had from the source; the message names it.
    """
    return _matrix(get_skeleton(source).name, get_skeleton(target).name)


def remap(positions: np.ndarray, source: Union[str, Skeleton], target: Union[str, Skeleton]
          ) -> np.ndarray:
    """Positions (..., Ks, D) of layout `source` as (..., Kt, D) of layout `target`.

    The unit and the dtype stay. A key point that is not finite spoils only the target joints
    that are made of it.

    Raises:
        KeyError: Unknown layout.
        ValueError: Wrong number of key points, or a joint that cannot be had from the source.
    """
    positions = np.asarray(positions)
    s = get_skeleton(source)
    if positions.ndim < 2 or positions.shape[-2] != s.num_joints:
        raise ValueError(f'layout {s.name} has {s.num_joints} joints, got positions of shape '
                         f'{positions.shape}')
    matrix = remap_matrix(source, target)
    if not np.issubdtype(positions.dtype, np.floating):
        positions = positions.astype(np.float64)
    out = np.empty((*positions.shape[:-2], len(matrix), positions.shape[-1]), positions.dtype)
    for joint, row in enumerate(matrix):
        used = np.flatnonzero(row)
        if len(used) == 1 and row[used[0]] == 1.:
            out[..., joint, :] = positions[..., used[0], :]
        else:
            weights = row[used].astype(positions.dtype)
            out[..., joint, :] = np.einsum('...kd,k->...d', positions[..., used, :], weights)
    return out
