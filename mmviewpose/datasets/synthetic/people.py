"""Built-in synthetic people: random bodies that walk, reach, sit, throw ... on the ground y = 0.

Numpy only and without files, so that every config has data to run on. Axes, units and the body are
those of `kinematics`; the actions are those of `motions`. The same seed gives the same people
everywhere (to float rounding): all randomness is PCG64's uniform numbers.
"""
from typing import List, Optional, Sequence

import numpy as np

from ..formats.clip import SkeletonClip
from .kinematics import (CHANNEL, CHANNELS, LOWER_BODY, MIRROR_INDEX, MIRROR_SIGN, Bodies,
                         anatomical, forward_kinematics)
from .motions import NUM_STYLE, PROGRAMS, posture, unrest

ACTIONS = tuple(PROGRAMS)
_LEFT_ANKLE, _RIGHT_ANKLE = 12, 15
_NUM_POSTURE, _NUM_BODY = 12, 16
_KNEE_RADIUS = 50.  # mm from the joint to the skin, for those who kneel


def _channels(actions: np.ndarray, t: np.ndarray, style: np.ndarray, base: np.ndarray,
              wavering: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
    """Anatomical channels (len(CHANNELS), C, T) of C performers, grouped by action inside."""
    channels = base + unrest(t, wavering)
    for number in np.unique(actions):
        who = np.flatnonzero(actions == number)
        for name, values in PROGRAMS[ACTIONS[number]](t[who], style[who]).items():
            channels[CHANNEL[name], who] += values
    channels[:, mirrored] = (channels[:, mirrored] * MIRROR_SIGN[:, None, None])[MIRROR_INDEX]
    return channels


def _draw(rng: np.random.Generator, count: int) -> tuple:
    style, wavering = rng.random((count, NUM_STYLE)), rng.random((count, 3, len(CHANNELS)))
    return style, wavering, rng.random(count) < .5


def _ground(positions: np.ndarray, depth: np.ndarray, jump: np.ndarray) -> np.ndarray:
    """Lift each frame so that its lowest foot or knee is on the ground, or `jump` above; in place.

    Returns:
        (2, C, T): clearance of the left and right foot above the ground in mm, jump left out.
    """
    low = positions[[_LEFT_ANKLE, _RIGHT_ANKLE], 1] - depth
    knees = positions[[_LEFT_ANKLE - 1, _RIGHT_ANKLE - 1], 1] - _KNEE_RADIUS
    lowest = np.minimum(low.min(axis=0), knees.min(axis=0))
    positions[:, 1] += jump - lowest
    return low - lowest


def _travel(positions: np.ndarray, clearance: np.ndarray, heading: np.ndarray,
            airborne: np.ndarray) -> np.ndarray:
    """Where the pelvis goes, (2, C, T) mm along x and z, so that standing feet stay in place.

    Args:
        positions: (17, 3, C, T) with the pelvis over the origin.
        clearance: (2, C, T) of the feet, mm.
        heading: (C, T) degrees.
        airborne: (C,) clips with flight phases: they go at the mean speed of their stance phases.
    """
    feet = positions[[_LEFT_ANKLE, _RIGHT_ANKLE]][:, [0, 2]]                # (2, 2, C, T)
    weight = np.exp(-(clearance[..., 1:] + clearance[..., :-1]) / 30.)
    weight /= weight.sum(axis=0)
    step = -(weight[:, None] * np.diff(feet, axis=-1)).sum(axis=0)          # (2, C, T - 1)
    turn = np.deg2rad(.5 * (heading[:, 1:] + heading[:, :-1]))
    ahead = np.stack([np.sin(turn), np.cos(turn)])
    # Between two stances both feet count and cancel; the faster half of the steps is the stance.
    speed = (step * ahead).sum(axis=0)
    stance = speed >= np.median(speed, axis=-1, keepdims=True)
    mean = (speed * stance).sum(axis=-1, keepdims=True) / stance.sum(axis=-1, keepdims=True)
    step = np.where(airborne[:, None], mean * ahead, step)
    return np.concatenate([np.zeros_like(step[..., :1]), np.cumsum(step, axis=-1)], axis=-1)


def synthetic_poses(num_poses: int, seed: int = 0) -> np.ndarray:
    """Independent poses of as many random people, for training pose models.

    Every pose has its own body, action, time and style; in four of ten the legs follow one action
    and the upper body another.

    Args:
        num_poses: N.
        seed: Of the random numbers.

    Returns:
        (N, 17, 3) float32 in mm, layout ``ape17``, y up, the lowest foot on the ground (or in a
        jump above), the pelvis over the origin, facing any direction.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    bodies = Bodies.random(rng.random((num_poses, _NUM_BODY)))
    heading = 360. * rng.random((num_poses, 1))
    t = 10. * rng.random((num_poses, 1))
    # Free motion is the most varied: a quarter of the poses, the other actions share the rest.
    lower, upper = np.minimum(rng.random((2, num_poses)) * (len(ACTIONS) + 3),
                              len(ACTIONS) - 1).astype(int)
    mixed = rng.random(num_poses) < .4
    base = posture(rng.random((num_poses, _NUM_POSTURE)))
    channels = _channels(lower, t, *_styled(rng, num_poses, base))
    index = np.flatnonzero(mixed)
    other = _channels(upper[index], t[index], *_styled(rng, len(index), base[:, index]))
    channels[:, index] = np.where(LOWER_BODY[:, None, None], channels[:, index], other)
    channels = anatomical(channels)
    positions, depth = forward_kinematics(channels, bodies, heading)
    _ground(positions, depth, channels[CHANNEL['jump']])
    return np.ascontiguousarray(positions[..., 0].transpose(2, 0, 1), dtype=np.float32)


def _styled(rng: np.random.Generator, count: int, base: np.ndarray) -> tuple:
    style, wavering, mirrored = _draw(rng, count)
    return style, base, wavering, mirrored


def synthetic_clips(num_clips: int, num_frames: int = 64, seed: int = 0, fps: float = 30.,
                    actions: Optional[Sequence[str]] = None, layout: str = 'ape17',
                    num_people: int = 12) -> List[SkeletonClip]:
    """Clips of random people who perform the built-in `ACTIONS`.

    Clip i shows action ``i % len(actions)``; the person changes after each round of actions. A
    person keeps body and posture; style, side, heading and place differ from clip to clip.

    Args:
        num_clips: C.
        num_frames: T, the same for all clips.
        seed: Of the random numbers.
        fps: Frames per second.
        actions: Names out of `ACTIONS`; default all.
        layout: Only ``'ape17'``.
        num_people: How many different people there are.

    Returns:
        C clips, positions (T, 17, 3) float32 in mm, y up, ground at y = 0, with the labels
        ``action`` (index into `ACTIONS`), ``action_name`` and ``person``.

    Raises:
        ValueError: Unknown action or layout, or a count below 1.
    """
    names = list(ACTIONS if actions is None else actions)
    unknown = sorted(set(names) - set(ACTIONS))
    if unknown or not names:
        raise ValueError(f'unknown synthetic actions {unknown}; there are {", ".join(ACTIONS)}')
    if layout != 'ape17':
        raise ValueError(f"synthetic people have the layout 'ape17', not {layout!r}; "
                         'mmviewpose.skeletons.remap turns it into others')
    if min(num_clips, num_frames, num_people) < 1 or fps <= 0:
        raise ValueError('num_clips, num_frames, num_people and fps must be positive')
    rng = np.random.Generator(np.random.PCG64(seed))
    bodies = Bodies.random(rng.random((num_people, _NUM_BODY)))
    habits = posture(rng.random((num_people, _NUM_POSTURE)))
    clip = np.arange(num_clips)
    action = np.array([ACTIONS.index(name) for name in names])[clip % len(names)]
    person = clip // len(names) % num_people
    place = rng.random((num_clips, 4, 1))

    t = np.broadcast_to(np.arange(num_frames) / fps, (num_clips, num_frames))
    mobile = np.isin(action, [ACTIONS.index('walk'), ACTIONS.index('run')])
    turning = np.where(mobile[:, None], 25., 0.) * (2. * place[:, 1] - 1.)
    heading = 360. * place[:, 0] + turning * t
    channels = anatomical(_channels(action, t, *_styled(rng, num_clips, habits[:, person])))
    positions, depth = forward_kinematics(channels, bodies.take(person), heading)
    clearance = _ground(positions, depth, channels[CHANNEL['jump']])
    if num_frames > 1:
        positions[:, [0, 2]] += _travel(positions, clearance, heading,
                                        action == ACTIONS.index('run'))
    positions[:, [0, 2]] += 3000. * (place[:, 2:].transpose(1, 0, 2) - .5)

    frames = np.ascontiguousarray(positions.transpose(2, 3, 0, 1), dtype=np.float32)
    return [SkeletonClip(
        positions=frames[i], layout=layout, up='+y', fps=float(fps),
        name=f'synthetic_s{seed}_{i:05d}_{ACTIONS[action[i]]}',
        labels=dict(action=int(action[i]), action_name=ACTIONS[action[i]], person=int(person[i])),
        valid=np.ones(num_frames, dtype=bool)) for i in clip]
