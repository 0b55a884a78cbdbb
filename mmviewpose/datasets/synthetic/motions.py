"""Joint-angle programs of the built-in people: what each action does over time.

A program takes the times ``t`` (C, T) in seconds and ``u`` (C, `NUM_STYLE`) random numbers in
[0, 1) that make its C performers differ, and returns the channels of `kinematics` that it moves,
each (C, T) in degrees. Actions of one side are written for the left; the caller mirrors half of
them. The gait tables follow the shape of textbook gait curves.
"""
from typing import Callable, Dict

import numpy as np

from .kinematics import CHANNEL, CHANNELS

NUM_STYLE = 24
Moves = Dict[str, np.ndarray]

# One stride in tenths, from heel strike: degrees of thigh, knee and foot (toes down positive).
_WALK = dict(thigh=(27, 22, 14, 5, -5, -14, -9, 10, 25, 30),
             knee=(5, 14, 15, 9, 6, 12, 36, 60, 50, 18),
             foot=(-16, 0, 0, 0, 4, 22, 56, 40, 8, -12))
_RUN = dict(thigh=(36, 29, 13, -4, -14, -4, 18, 40, 50, 45),
            knee=(18, 36, 36, 24, 24, 60, 95, 98, 66, 26),
            foot=(-4, 0, 2, 24, 55, 66, 55, 38, 14, -2))


def cycle(table, phase: np.ndarray) -> np.ndarray:
    """Periodic cubic (Catmull-Rom) through equally spaced knots; `phase` counts cycles."""
    table = np.asarray(table, dtype=float)
    place = (phase % 1.) * len(table)
    knot = np.floor(place).astype(int)
    x = place - knot
    a, b, c, d = (table[(knot + step) % len(table)] for step in (-1, 0, 1, 2))
    return b + .5 * x * (c - a + x * (2 * a - 5 * b + 4 * c - d + x * (3 * (b - c) + d - a)))


def swell(phase: np.ndarray, hold=1.) -> np.ndarray:
    """0 to 1 and back once a cycle, with flat ends; a larger `hold` stays longer at both."""
    wave = -np.cos(2. * np.pi * phase)
    return .5 + .5 * np.sin(.5 * np.pi * np.clip(hold * wave, -1., 1.))


def sine(phase: np.ndarray) -> np.ndarray:
    return np.sin(2. * np.pi * phase)


class _Style:
    """Reads the random numbers of the performers as values of a range."""

    def __init__(self, u: np.ndarray) -> None:
        self.u = u

    def __call__(self, column: int, low: float, high: float) -> np.ndarray:
        return low + (high - low) * self.u[:, column, None]         # (C, 1)


def _gait(t, style, table, frequency, swing, elbow) -> Moves:
    phase = t * frequency + style(0, 0, 1)
    stride = style(1, .75, 1.15)
    moves = {}
    for side, offset in (('l', 0.), ('r', .5)):
        own = phase + offset
        moves[f'hip_flex_{side}'] = stride * cycle(table['thigh'], own)
        moves[f'knee_{side}'] = stride * cycle(table['knee'], own) + style(2, 0, 5)
        moves[f'foot_{side}'] = stride * cycle(table['foot'], own)
        moves[f'hip_abd_{side}'] = -style(3, 0, 4) + 0 * t
        forward = -np.cos(2. * np.pi * own)           # arm against the leg of its own side
        moves[f'shoulder_flex_{side}'] = swing * forward + style(4, -8, 6)
        moves[f'elbow_{side}'] = elbow + .45 * swing * forward
        moves[f'clavicle_forward_{side}'] = .15 * swing * forward
    moves['pelvis_yaw'] = -style(5, 3, 8) * np.cos(2. * np.pi * phase)
    moves['thorax_twist'] = -1.6 * moves['pelvis_yaw']
    moves['pelvis_roll'] = style(6, 2, 5) * sine(phase - .02)
    moves['lumbar_side'] = -.8 * moves['pelvis_roll']
    return moves


def walk(t, u) -> Moves:
    style = _Style(u)
    moves = _gait(t, style, _WALK, style(7, .72, 1.05), style(8, 8, 30), style(9, 12, 35))
    moves['pelvis_pitch'] = style(10, -1, 7) + 0 * t
    return moves


def run(t, u) -> Moves:
    style = _Style(u)
    frequency = style(7, 1.2, 1.55)
    moves = _gait(t, style, _RUN, frequency, style(8, 22, 42), style(9, 70, 105))
    moves['pelvis_pitch'] = style(10, 4, 14) + 0 * t
    moves['shoulder_rot_l'] = moves['shoulder_rot_r'] = -style(11, 0, 30) + 0 * t
    flight = np.maximum(0., np.cos(4. * np.pi * (t * frequency + style(0, 0, 1) - .45)))
    moves['jump'] = style(12, 40, 110) * flight ** 3
    return moves


def squat(t, u) -> Moves:
    style = _Style(u)
    down = swell(t / style(0, 1.6, 3.2) + style(1, 0, 1), style(2, .9, 1.5))
    thigh = style(3, 50, 112) * down
    moves = dict(pelvis_pitch=style(4, 18, 42) * down, lumbar_flex=style(5, 0, 15) * down,
                 neck_flex=-style(6, 0, 25) * down)
    for side in 'lr':
        moves[f'hip_flex_{side}'] = thigh
        moves[f'knee_{side}'] = style(7, 1.2, 1.35) * thigh + 3.
        moves[f'hip_abd_{side}'] = style(8, 3, 22) * (.4 + .6 * down)
        moves[f'hip_rot_{side}'] = style(8, 2, 20) * down
        moves[f'shoulder_flex_{side}'] = style(9, 10, 105) * down
        moves[f'shoulder_abd_{side}'] = style(10, 0, 20) * down
        moves[f'elbow_{side}'] = style(11, -10, 70) * down
    return moves


def wave(t, u) -> Moves:
    style = _Style(u)
    up = swell(t / style(0, 2.5, 5.) + style(1, 0, 1), style(2, 1.5, 3.))
    beat = sine(t * style(3, 1., 2.2) + style(4, 0, 1))
    return dict(shoulder_abd_l=style(5, 45, 125) * up,
                shoulder_flex_l=style(6, -5, 30) * up,
                shoulder_rot_l=(style(7, 60, 90) + style(8, 0, 15) * beat) * up,
                elbow_l=(style(9, 40, 95) + style(10, 15, 35) * beat) * up,
                clavicle_up_l=style(11, 5, 20) * up,
                lumbar_side=-style(12, -3, 8) * up, neck_side=style(13, -8, 8) * up)


def reach(t, u) -> Moves:
    style = _Style(u)
    out = swell(t / style(0, 1.8, 3.5) + style(1, 0, 1), style(2, .9, 2.))
    low = out * np.maximum(0., style(3, -1.2, 1.))         # about half of the reaches go down
    arm = style(4, 55, 165) * (out - low) + 95. * low
    moves = dict(shoulder_flex_l=arm, shoulder_abd_l=style(5, -25, 65) * out,
                 shoulder_rot_l=style(6, -30, 30) * out,
                 elbow_l=70. * out * (1. - out) * 4. * style(7, 0, 1) + style(7, -10, 15) * out,
                 clavicle_forward_l=style(8, 5, 22) * out, clavicle_up_l=style(9, 0, 18) * out,
                 thorax_twist=-style(10, -5, 28) * out, lumbar_twist=-style(10, -3, 14) * out,
                 pelvis_pitch=style(11, 0, 12) * out + style(12, 30, 62) * low,
                 lumbar_flex=style(13, 5, 35) * low, lumbar_side=style(14, -12, 8) * out,
                 neck_flex=-style(15, -10, 20) * out)
    for side in 'lr':
        bend = style(16, 5, 75) * low
        moves[f'hip_flex_{side}'] = bend + style(17, -14, 14) * (1. if side == 'l' else -1.) * out
        moves[f'knee_{side}'] = 1.35 * bend + style(18, 2, 14)
    return moves


def kick(t, u) -> Moves:
    style = _Style(u)
    phase = t / style(0, 1.3, 2.4) + style(1, 0, 1)
    high = style(2, .6, 1.25)
    leg = high * cycle((0, 0, -14, -26, 8, 62, 80, 52, 20, 4), phase)
    knee = cycle((4, 10, 40, 72, 86, 34, 6, 26, 36, 14), phase)
    lift = np.abs(leg) / 80.
    return dict(hip_flex_l=leg, knee_l=knee, foot_l=20. * lift,
                hip_abd_l=style(3, 0, 28) * np.maximum(leg, 0.) / 80.,
                hip_rot_l=style(4, -5, 25) * lift,
                hip_flex_r=style(5, 4, 14) + 0 * t, knee_r=style(5, 10, 30) + 0 * t,
                pelvis_pitch=-.14 * leg, pelvis_yaw=-.18 * leg, pelvis_roll=.06 * leg,
                thorax_twist=.3 * leg, lumbar_flex=.12 * leg,
                shoulder_flex_r=style(6, .2, .9) * leg, shoulder_flex_l=-style(7, .2, .6) * leg,
                shoulder_abd_l=style(8, 5, 45) + 0 * t, shoulder_abd_r=style(9, 5, 40) + 0 * t,
                elbow_l=style(10, 5, 50) + 0 * t, elbow_r=style(11, 5, 60) + 0 * t)


def sit_down(t, u) -> Moves:
    style = _Style(u)
    down = swell(t / style(0, 3., 6.) + style(1, 0, 1), style(2, 1.5, 3.))
    moving = 4. * down * (1. - down)
    moves = dict(pelvis_pitch=style(3, -12, 8) * down + style(4, 25, 45) * moving,
                 lumbar_flex=style(5, 0, 22) * down + 8. * moving,
                 thorax_flex=style(6, 0, 12) * down, neck_flex=style(7, -12, 15) * down)
    for column, side in ((8, 'l'), (12, 'r')):
        moves[f'hip_flex_{side}'] = style(8, 78, 95) * down
        moves[f'knee_{side}'] = style(column + 1, 72, 112) * down + 3.
        moves[f'hip_abd_{side}'] = style(10, -2, 18) * down
        moves[f'shoulder_flex_{side}'] = style(column + 2, 8, 50) * down + 15. * moving
        moves[f'elbow_{side}'] = style(column + 3, 20, 95) * down
        moves[f'shoulder_rot_{side}'] = -style(11, 0, 35) * down
    return moves


def jumping_jack(t, u) -> Moves:
    style = _Style(u)
    phase = t * style(0, .7, 1.2) + style(1, 0, 1)
    apart = swell(phase, .9)
    air = np.maximum(0., np.cos(4. * np.pi * (phase - .25))) ** 1.5
    moves = dict(jump=style(2, 40, 160) * air)
    for side in 'lr':
        moves[f'shoulder_abd_{side}'] = style(3, 110, 165) * apart
        moves[f'elbow_{side}'] = style(4, 0, 30) * apart
        moves[f'shoulder_rot_{side}'] = style(5, 20, 85) * apart
        moves[f'clavicle_up_{side}'] = style(6, 8, 28) * apart
        moves[f'hip_abd_{side}'] = style(7, 16, 34) * apart
        moves[f'hip_flex_{side}'] = style(8, 3, 16) * (1. - air)
        moves[f'knee_{side}'] = style(8, 8, 36) * (1. - air)
        moves[f'foot_{side}'] = style(9, 5, 30) * air
    return moves


def bow(t, u) -> Moves:
    style = _Style(u)
    down = swell(t / style(0, 2., 4.5) + style(1, 0, 1), style(2, .9, 2.))
    lean = style(3, 15, 60)
    moves = dict(pelvis_pitch=lean * down, lumbar_flex=style(4, 5, 32) * down,
                 thorax_flex=style(5, 0, 22) * down, neck_flex=style(6, -12, 28) * down)
    hanging = style(7, 0, 1) * (lean + 20.)                # arms at the sides, or hanging down
    for side in 'lr':
        moves[f'hip_flex_{side}'] = -style(8, .05, .16) * lean * down
        moves[f'knee_{side}'] = style(9, 2, 14) * down + 3.
        moves[f'shoulder_flex_{side}'] = hanging * down
        moves[f'elbow_{side}'] = style(10, -8, 25) * down
    return moves


def punch(t, u) -> Moves:
    style = _Style(u)
    phase = t / style(0, .9, 1.8) + style(1, 0, 1)
    moves = dict(pelvis_pitch=style(2, 2, 14) + 0 * t, neck_flex=style(3, 0, 14) + 0 * t)
    twist = 0.
    for side, offset, sign in (('l', 0., -1.), ('r', .5, 1.)):
        out = swell(phase + offset, 1.) ** 3
        moves[f'shoulder_flex_{side}'] = style(4, 25, 55) * (1. - out) + style(5, 72, 105) * out
        moves[f'shoulder_abd_{side}'] = style(6, 5, 25) * (1. - out) + style(7, -14, 6) * out
        moves[f'shoulder_rot_{side}'] = -style(8, 5, 35) + 0 * t
        moves[f'elbow_{side}'] = style(9, 100, 132) * (1. - out) + style(10, -8, 15) * out
        moves[f'clavicle_forward_{side}'] = style(11, 8, 22) * out
        twist = twist + sign * out
    moves['thorax_twist'] = style(12, 10, 30) * twist
    moves['lumbar_twist'] = style(13, 3, 14) * twist
    stance = style(14, 8, 28)
    moves.update(hip_flex_l=stance + 0 * t, knee_l=style(15, 12, 38) + 0 * t,
                 hip_flex_r=-.6 * stance + 0 * t, knee_r=style(16, 12, 34) + 0 * t,
                 foot_r=style(17, 0, 22) + 0 * t, hip_abd_l=style(18, 2, 12) + 0 * t,
                 hip_abd_r=style(18, 2, 12) + 0 * t)
    return moves


def throw(t, u) -> Moves:
    style = _Style(u)
    phase = t / style(0, 1.5, 2.6) + style(1, 0, 1)
    size = style(2, .7, 1.1)
    turn = cycle((4, 14, 26, 30, 6, -24, -28, -16, -4, 0), phase)
    step = np.maximum(0., cycle((0, 0, 2, 14, 24, 20, 16, 10, 4, 0), phase))
    return dict(shoulder_flex_l=size * cycle((10, 40, 105, 155, 160, 110, 45, 20, 10, 5), phase),
                shoulder_abd_l=size * cycle((8, 22, 40, 45, 38, 14, -5, -2, 4, 6), phase),
                elbow_l=cycle((15, 60, 105, 125, 95, 18, 12, 20, 18, 15), phase),
                clavicle_up_l=size * cycle((0, 5, 14, 18, 16, 6, 0, 0, 0, 0), phase),
                shoulder_flex_r=-size * turn + style(3, 5, 45),
                shoulder_abd_r=style(4, 5, 35) + 0 * t,
                elbow_r=style(5, 10, 80) + 0 * t,
                thorax_twist=turn, lumbar_twist=.45 * turn, pelvis_yaw=.4 * turn,
                lumbar_side=-.25 * turn, pelvis_pitch=-.35 * turn + style(6, 0, 8),
                hip_flex_r=size * step + style(7, 2, 12), knee_r=size * step + style(8, 6, 22),
                hip_flex_l=-.6 * step + style(9, -4, 4), knee_l=.6 * step + style(10, 4, 16),
                foot_l=.9 * step)


def _drift(t, column, u, low, high, reach_of) -> np.ndarray:
    """A random middle in [low, high] and two slow waves about it, both drawn from one number."""
    # The digits after the first three of a uniform number are as good as new random numbers.
    digits = [(u[:, column, None] * 1e3 ** power) % 1. for power in range(3)]
    middle = low + (high - low) * digits[0]
    slow, fast = .15 + .45 * digits[1], .4 + .6 * digits[2]
    return middle + reach_of * (.7 * sine(slow * t + digits[2]) + .3 * sine(fast * t + digits[1]))


def free(t, u) -> Moves:
    """Smooth random postures: any arm, and legs that stand, stride, crouch, kneel or lift."""
    style = _Style(u)
    moves = dict(pelvis_pitch=_drift(t, 0, u, -8, 32, 6), pelvis_roll=_drift(t, 1, u, -7, 7, 3),
                 lumbar_flex=_drift(t, 2, u, -10, 28, 6), lumbar_side=_drift(t, 3, u, -16, 16, 5),
                 lumbar_twist=_drift(t, 4, u, -14, 14, 5), thorax_flex=_drift(t, 5, u, -8, 18, 4),
                 thorax_side=_drift(t, 1, u, -12, 12, 4), thorax_twist=_drift(t, 6, u, -25, 25, 7),
                 neck_flex=_drift(t, 7, u, -25, 28, 6), neck_side=_drift(t, 6, u, -18, 18, 5))
    for column, side in ((8, 'l'), (15, 'r')):
        moves[f'shoulder_flex_{side}'] = _drift(t, column, u, -35, 165, 22)
        moves[f'shoulder_abd_{side}'] = _drift(t, column + 1, u, -30, 120, 16)
        moves[f'shoulder_rot_{side}'] = _drift(t, column + 2, u, -65, 80, 16)
        moves[f'elbow_{side}'] = _drift(t, column + 3, u, -5, 125, 22)
        moves[f'clavicle_up_{side}'] = .12 * np.maximum(
            moves[f'shoulder_flex_{side}'] + moves[f'shoulder_abd_{side}'] - 80., 0.)
        moves[f'clavicle_forward_{side}'] = _drift(t, column + 4, u, -8, 18, 4)
        moves[f'hip_abd_{side}'] = _drift(t, column + 5, u, -6, 26, 4)
        moves[f'hip_rot_{side}'] = _drift(t, column + 6, u, -18, 32, 5)
    kind, bend, other = style(22, 0, 1), style(23, 0, 1), style(14, 0, 1)
    sway = 6. * sine(.3 * t + bend)
    thigh = np.select([kind < .4, kind < .65, kind < .85],
                      [-14. + 40. * bend, 20. + 85. * bend, -28. + 138. * bend], 40. + 60. * bend)
    knee = np.select([kind < .4, kind < .65, kind < .85],
                     [2. + 30. * other, thigh * (.85 + .45 * other), 5. + 115. * other],
                     thigh * (1. + .4 * other))
    back = np.select([kind < .4, kind < .65, kind < .85],
                     [10. - 26. * other, -18. + 22. * bend, 2. + 10. * other], thigh - 8. * other)
    bent = np.select([kind < .4, kind < .65, kind < .85],
                     [2. + 28. * bend, 12. + 85. * other, 4. + 26. * other], knee - 8. * bend)
    moves.update(hip_flex_l=thigh + sway, knee_l=knee + 1.3 * np.abs(sway),
                 hip_flex_r=back - .5 * sway, knee_r=bent + .8 * np.abs(sway),
                 foot_r=np.where((kind >= .4) & (kind < .65), .5 * bent, 0.) + 0 * t)
    return moves


PROGRAMS: Dict[str, Callable[[np.ndarray, np.ndarray], Moves]] = dict(
    walk=walk, run=run, squat=squat, wave=wave, reach=reach, kick=kick, sit_down=sit_down,
    jumping_jack=jumping_jack, bow=bow, punch=punch, throw=throw, free=free)


def posture(uniforms: np.ndarray) -> np.ndarray:
    """How each performer stands: (len(CHANNELS), C, 1) degrees, from (C, 12) numbers."""
    base = np.zeros((len(CHANNELS), len(uniforms), 1))
    style = _Style(uniforms)
    values = dict(pelvis_pitch=style(0, -4, 3), lumbar_flex=style(1, -6, 5),
                  thorax_flex=style(2, 0, 9), neck_flex=style(3, 4, 18), head_flex=style(4, -14, 2))
    for side in 'lr':
        values.update({f'shoulder_abd_{side}': style(5, 5, 14), f'elbow_{side}': style(6, 8, 26),
                       f'shoulder_flex_{side}': style(7, -6, 8),
                       f'shoulder_rot_{side}': style(8, -25, 5),
                       f'hip_abd_{side}': style(9, 0, 5), f'knee_{side}': style(10, 2, 7),
                       f'hip_rot_{side}': style(11, 0, 10)})
    for name, value in values.items():
        base[CHANNEL[name]] = value
    return base


_SWAY = np.array([{'jump': 0., 'elbow_l': 6., 'elbow_r': 6., 'shoulder_flex_l': 4.,
                   'shoulder_flex_r': 4., 'shoulder_abd_l': 4., 'shoulder_abd_r': 4.,
                   'shoulder_rot_l': 8., 'shoulder_rot_r': 8., 'foot_l': 0., 'foot_r': 0.}.get(
                       name, .7 if name.startswith(('hip', 'knee')) else 2.) for name in CHANNELS])


def unrest(t: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """Band-limited (under 1 Hz) wavering of every channel, (len(CHANNELS), C, T).

    Args:
        t: (C, T) seconds.
        uniforms: (C, 3, len(CHANNELS)) random numbers: amount, frequency and phase.
    """
    amount, frequency, phase = np.moveaxis(uniforms, (1, 2), (0, 1))[..., None]   # (channels, C, 1)
    return _SWAY[:, None, None] * 2. * amount * np.sin(
        2. * np.pi * ((.1 + .8 * frequency) * t + phase))
