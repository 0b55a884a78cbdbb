"""Forward kinematics of motion capture files: all frames at once, a loop over joints only."""
from typing import Optional, Sequence

import numpy as np

_AXES = {'x': 0, 'y': 1, 'z': 2}


def axis_rotation(axis: str, degrees: np.ndarray) -> np.ndarray:
    """Rotations (..., 3, 3) about a coordinate axis by angles (...) in degrees (column vectors)."""
    angle = np.deg2rad(np.asarray(degrees, dtype=np.float64))
    i = _AXES[axis]
    j, k = (i + 1) % 3, (i + 2) % 3
    out = np.zeros((*angle.shape, 3, 3))
    cos, sin = np.cos(angle), np.sin(angle)
    out[..., i, i] = 1
    out[..., j, j] = out[..., k, k] = cos
    out[..., j, k], out[..., k, j] = -sin, sin
    return out


def chained_rotation(axes: str, degrees: np.ndarray) -> np.ndarray:
    """Product R_a R_b R_c (..., 3, 3) of rotations about `axes` 'abc' by degrees (..., 3).

    Applied to a column vector, the last axis turns first (BVH's order of channels).
    """
    out = axis_rotation(axes[0], degrees[..., 0])
    for n, axis in enumerate(axes[1:], start=1):
        out = out @ axis_rotation(axis, degrees[..., n])
    return out


def forward(parents: Sequence[int], rotations: Sequence[Optional[np.ndarray]],
            offsets: Sequence[np.ndarray], offset_turns: bool) -> np.ndarray:
    """Positions (T, J, 3) of a tree of joints.

    Args:
        parents: J parent indices, every parent before its children, -1 for the root.
        rotations: J local rotations (T, 3, 3); None is no rotation.
        offsets: J offsets (3,) or (T, 3) from the parent; the root's is its position.
        offset_turns: Whether a joint's own rotation turns its offset (ASF, where the offset is the
            bone itself) or only its children's (BVH).
    """
    frames = max((len(a) for a in (*rotations, *(o for o in offsets if np.ndim(o) == 2))
                  if a is not None), default=1)
    out = np.empty((frames, len(parents), 3))
    turned = []
    for joint, parent in enumerate(parents):
        local = rotations[joint]
        outer = turned[parent] if parent >= 0 else None
        if outer is None or local is None:
            world = local if outer is None else outer
        else:
            world = outer @ local
        turned.append(world)
        basis = world if offset_turns and parent >= 0 else outer
        offset = np.broadcast_to(offsets[joint], (frames, 3))
        step = offset if basis is None else np.matmul(basis, offset[..., None])[..., 0]
        out[:, joint] = step if parent < 0 else out[:, parent] + step
    return out
