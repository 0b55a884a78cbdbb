"""Motion with a known, graded impairment: one side of the body moves less than the other."""
from dataclasses import replace
from typing import Dict, List, Sequence

import numpy as np

from mmviewpose.datasets.formats.clip import SkeletonClip
from mmviewpose.skeletons import Skeleton, get_skeleton, heading

SIDES = ('left', 'right')


def impair(clips: Sequence[SkeletonClip], grades: int = 5, loss: float = .22, spread: float = .2,
           seed: int = 0) -> List[SkeletonClip]:
    """Each clip in every grade of a one-sided stiffness, as after a stroke.

    In grade g the directions of the bones of one arm and one leg keep ``1 - g * loss`` of their
    deviation from their mean over the clip, seen from the body's own heading. Bone lengths stay.
    Which side it is, and how much a movement of a grade really loses (up to ``spread`` of ``loss``
    more or less), is drawn a clip.

    Args:
        clips: Layouts with arms, legs and hips, y up.
        grades: How many, from 0, unimpaired.
        loss: Share of the motion that a grade takes away.
        spread: Of that.
        seed: Of what is drawn.

    Returns:
        ``grades`` clips for each, with the labels ``score``, the grade, and ``impaired_side``, 0
        left or 1 right; names end in ``_gN``.

    Raises:
        ValueError: ``grades`` is below 1, or the last grade would turn motion round.
    """
    if grades < 1 or not 0 <= (grades - 1) * loss <= 1:
        raise ValueError(f'the last of {grades} grades loses {(grades - 1) * loss:g} of the '
                         'motion, which must be from 0 to 1')
    rng = np.random.default_rng(seed)
    out = []
    for clip in clips:
        side = int(rng.integers(2))
        for grade in range(grades):
            wanted = grade + spread * rng.uniform(-1, 1) * (0 < grade)
            kept = 1 - loss * np.clip(wanted, 0, 1 / max(loss, 1e-9))
            labels: Dict = dict(clip.labels, score=grade, impaired_side=side)
            out.append(replace(clip, name=f'{clip.name}_g{grade}', labels=labels,
                               positions=stiffened(clip, SIDES[side], float(kept))))
    return out


def stiffened(clip: SkeletonClip, side: str, kept: float) -> np.ndarray:
    """The positions ``(T, K, 3)`` of a clip whose arm and leg of one side keep this share of their
    motion."""
    skeleton = get_skeleton(clip.layout)
    turned = _about_vertical(clip.positions, -heading(clip.positions, skeleton))
    out = turned.copy()
    moved = {joint for part in ('arm', 'leg') for joint in skeleton.parts[f'{side}_{part}']}
    for joint in _from_the_root(skeleton):
        parent = skeleton.parents[joint]
        if parent < 0:
            continue
        bone = turned[:, joint] - turned[:, parent]
        if joint in moved:
            bone = _towards_mean(bone, kept, clip.valid)
        out[:, joint] = out[:, parent] + bone
    return _about_vertical(out, heading(clip.positions, skeleton)).astype(np.float32)


def _towards_mean(bone: np.ndarray, kept: float, valid: np.ndarray) -> np.ndarray:
    """Vectors ``(T, 3)`` of the same lengths that keep a share of their deviation from the mean
    direction of those that are valid, ``(T,)``."""
    length = np.linalg.norm(bone, axis=1, keepdims=True)
    direction = bone / np.maximum(length, 1e-6)
    mean = direction[valid].mean(0)
    mixed = mean + kept * (direction - mean)
    return length * mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-6)


def _about_vertical(positions: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Positions ``(T, K, 3)`` turned about +y by radians ``(T,)``."""
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, y, z = positions[..., 0], positions[..., 1], positions[..., 2]
    return np.stack([cos * x + sin * z, y, cos * z - sin * x], -1)


def _from_the_root(skeleton: Skeleton) -> List[int]:
    """Joints, parents before their children."""
    order = [skeleton.root]
    for joint in order:
        order.extend(skeleton.children(joint))
    return order
