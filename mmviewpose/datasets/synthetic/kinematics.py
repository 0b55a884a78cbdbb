"""Bodies and forward kinematics of the built-in people, for the 17-joint layout ``ape17``.

Axes: y up, the ground at y = 0; a person at heading 0 looks along +z, so the left side is +x.
Lengths are millimetres, angles degrees. Letters: C clips, T frames.

A posture is an array of `CHANNELS`, shape ``(len(CHANNELS), C, T)``. Leg angles in it are those of
the thigh against the upright heading frame (a bow does not tilt the legs); `forward_kinematics`
turns them into hip angles against the pelvis before it applies the anatomical limits.
"""
from typing import Dict, NamedTuple, Tuple

import numpy as np

# name: (lowest, highest) angle in degrees that a joint allows; the jump height is in mm. A channel
# with a `_l` twin has the same limits on the right side.
_CENTRAL_LIMITS = {
    'pelvis_pitch': (-25, 90), 'pelvis_roll': (-20, 20), 'pelvis_yaw': (-30, 30),
    'lumbar_flex': (-20, 45), 'lumbar_side': (-25, 25), 'lumbar_twist': (-20, 20),
    'thorax_flex': (-15, 35), 'thorax_side': (-20, 20), 'thorax_twist': (-35, 35),
    'neck_flex': (-35, 40), 'neck_side': (-30, 30), 'head_flex': (-30, 30), 'head_side': (-20, 20),
    'jump': (0, 500),
}
_SIDE_LIMITS = {
    'clavicle_up': (-8, 30), 'clavicle_forward': (-15, 25),
    'shoulder_flex': (-50, 185), 'shoulder_abd': (-35, 175), 'shoulder_rot': (-90, 95),
    'elbow': (2, 148),
    'hip_flex': (-30, 128), 'hip_abd': (-25, 55), 'hip_rot': (-35, 45),
    'knee': (1, 148), 'foot': (-35, 70),
}
LIMITS: Dict[str, Tuple[float, float]] = {
    **_CENTRAL_LIMITS,
    **{f'{name}_{side}': limit for side in 'lr' for name, limit in _SIDE_LIMITS.items()}}
CHANNELS = tuple(LIMITS)
CHANNEL = {name: index for index, name in enumerate(CHANNELS)}
LOWER_BODY = np.array([name.startswith(('pelvis', 'hip', 'knee', 'foot', 'jump'))
                       for name in CHANNELS])


def _mirrored(name: str) -> str:
    if name.endswith('_l'):
        return name[:-2] + '_r'
    return name[:-2] + '_l' if name.endswith('_r') else name


MIRROR_INDEX = np.array([CHANNEL[_mirrored(name)] for name in CHANNELS])
MIRROR_SIGN = np.array([-1. if name in _CENTRAL_LIMITS and
                        name.endswith(('_roll', '_yaw', '_side', '_twist')) else 1.
                        for name in CHANNELS])

# Segment lengths as fractions of the stature, adult means.
_RATIOS = {
    'ankle_height': .045, 'shin': .243, 'thigh': .245, 'hip_drop': .025, 'hip_offset': .054,
    'lumbar': .076, 'thorax': .183, 'neck': .046, 'head': .085, 'crown': .062,
    'shoulder_offset': .103, 'shoulder_drop': .012, 'upper_arm': .166, 'forearm': .146,
}
_STACK = ('ankle_height', 'shin', 'thigh', 'hip_drop', 'lumbar', 'thorax', 'neck', 'head', 'crown')
# Toe and heel, seen from the ankle, as fractions of the stature: what touches the ground.
_TOE, _HEEL = .085, .030


class Bodies(NamedTuple):
    """Proportions of P people: `height` (P,) and every segment (P,), all in mm."""

    height: np.ndarray
    segments: Dict[str, np.ndarray]

    @classmethod
    def random(cls, uniforms: np.ndarray) -> 'Bodies':
        """People of 1.5 to 2.0 m with individual, left-right symmetric proportions.

        Args:
            uniforms: (P, 16) random numbers in [0, 1).
        """
        height = 1500. + 500. * uniforms[:, 0]
        # One common trunk-to-leg trade-off and a small variation of each segment by itself.
        leg = 1. + .06 * (2. * uniforms[:, 1] - 1.)
        segments = {}
        for column, (name, ratio) in enumerate(_RATIOS.items(), start=2):
            share = leg if name in ('shin', 'thigh', 'upper_arm', 'forearm') else 2. - leg
            segments[name] = ratio * share * (1. + .08 * (2. * uniforms[:, column] - 1.))
        stack = sum(segments[name] for name in _STACK)
        return cls(height, {name: length / stack * height for name, length in segments.items()})

    def take(self, index: np.ndarray) -> 'Bodies':
        """The people named by `index` (C,), as C bodies."""
        return Bodies(self.height[index], {k: v[index] for k, v in self.segments.items()})


def _turn(frame: np.ndarray, axis: int, degrees: np.ndarray) -> np.ndarray:
    """Rotate frames about one of their own axes.

    Args:
        frame: (3, 3, C, T), the first axis counts the frame's axes (columns of the matrix).
        axis: 0 x, 1 y, 2 z.
        degrees: (C, T) or what broadcasts to it; right-hand rule.
    """
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    turned = frame.copy()
    turned[i] = cos * frame[i] + sin * frame[j]
    turned[j] = cos * frame[j] - sin * frame[i]
    return turned


def anatomical(channels: np.ndarray) -> np.ndarray:
    """Leg angles against the pelvis instead of the vertical, and all angles inside their limits.

    Args:
        channels: (len(CHANNELS), C, T) as the motion programs write them.

    Returns:
        A new array of the same shape.
    """
    out = channels.copy()
    for side, sign in (('l', 1.), ('r', -1.)):
        out[CHANNEL[f'hip_flex_{side}']] += out[CHANNEL['pelvis_pitch']]
        out[CHANNEL[f'hip_abd_{side}']] -= sign * out[CHANNEL['pelvis_roll']]
    low, high = np.array([LIMITS[name] for name in CHANNELS], dtype=float).T[:, :, None, None]
    np.clip(out, low, high, out=out)
    # A hanging upper arm cannot turn the forearm into the trunk.
    for side in 'lr':
        flex, abd, rot = (CHANNEL[f'shoulder_{kind}_{side}'] for kind in ('flex', 'abd', 'rot'))
        inward = 20. + .8 * np.maximum(out[flex], 0.) + .5 * np.maximum(out[abd], 0.)
        out[rot] = np.maximum(out[rot], -inward)
        out[abd] = np.maximum(out[abd], 4. - .5 * np.maximum(out[flex], 0.))
    return out


def forward_kinematics(channels: np.ndarray, bodies: Bodies, heading: np.ndarray) -> tuple:
    """Joints of all frames, relative to the pelvis.

    Args:
        channels: (len(CHANNELS), C, T), anatomical angles.
        bodies: C bodies.
        heading: (C, T) degrees about +y.

    Returns:
        Positions (17, 3, C, T) in mm with the pelvis at the origin, and (2, C, T): how far below
        each ankle its foot reaches, in mm (left, right).
    """
    angle = {name: channels[index] for name, index in CHANNEL.items()}
    size = {name: length[:, None] for name, length in bodies.segments.items()}
    positions = np.zeros((17, 3) + heading.shape)
    world = np.zeros((3, 3) + heading.shape)
    world[0, 0] = world[1, 1] = world[2, 2] = 1.

    upright = _turn(world, 1, heading + angle['pelvis_yaw'])
    pelvis = _turn(_turn(upright, 0, angle['pelvis_pitch']), 2, angle['pelvis_roll'])

    def bend(frame, part):
        frame = _turn(frame, 0, angle[f'{part}_flex'])
        frame = _turn(frame, 2, angle[f'{part}_side'])
        return _turn(frame, 1, angle[f'{part}_twist']) if f'{part}_twist' in angle else frame

    lumbar = bend(pelvis, 'lumbar')
    thorax = bend(lumbar, 'thorax')
    neck = bend(thorax, 'neck')
    head = bend(neck, 'head')
    positions[1] = size['lumbar'] * lumbar[1]
    positions[16] = positions[1] + size['thorax'] * thorax[1]
    positions[2] = positions[16] + size['neck'] * neck[1]
    positions[3] = positions[2] + size['head'] * head[1]

    depth = []
    for side, sign, arm, leg in (('l', 1., 4, 10), ('r', -1., 7, 13)):
        girdle = _turn(_turn(thorax, 2, sign * angle[f'clavicle_up_{side}']), 1,
                       -sign * angle[f'clavicle_forward_{side}'])
        positions[arm] = (positions[16] + sign * size['shoulder_offset'] * girdle[0]
                          - size['shoulder_drop'] * girdle[1])
        upper = _turn(thorax, 0, -angle[f'shoulder_flex_{side}'])
        upper = _turn(upper, 2, sign * angle[f'shoulder_abd_{side}'])
        upper = _turn(upper, 1, sign * angle[f'shoulder_rot_{side}'])
        fore = _turn(upper, 0, -angle[f'elbow_{side}'])
        positions[arm + 1] = positions[arm] - size['upper_arm'] * upper[1]
        positions[arm + 2] = positions[arm + 1] - size['forearm'] * fore[1]

        thigh = _turn(pelvis, 0, -angle[f'hip_flex_{side}'])
        thigh = _turn(thigh, 2, sign * angle[f'hip_abd_{side}'])
        thigh = _turn(thigh, 1, sign * angle[f'hip_rot_{side}'])
        shin = _turn(thigh, 0, angle[f'knee_{side}'])
        positions[leg] = sign * size['hip_offset'] * pelvis[0] - size['hip_drop'] * pelvis[1]
        positions[leg + 1] = positions[leg] - size['thigh'] * thigh[1]
        positions[leg + 2] = positions[leg + 1] - size['shin'] * shin[1]

        pitch = np.deg2rad(angle[f'foot_{side}'])     # toes down is positive, against the ground
        reach = np.where(pitch > 0, _TOE, -_HEEL) * bodies.height[:, None] * np.sin(pitch)
        depth.append(size['ankle_height'] * np.cos(pitch) + reach)
    return positions, np.stack(depth)
