"""BVH motion capture: any channel order, positions on any joint, batched forward kinematics.

A position channel replaces its coordinate of the joint's OFFSET (Bandai-Namco's files have all
three on every joint). Rotations multiply in the order the channels are listed.
"""
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Tuple, Union

import numpy as np

from mmviewpose.errors import DatasetError
from mmviewpose.skeletons import get_skeleton

from .clip import PathLike, SkeletonClip, find_files, read_each, read_text, require_finite
from .kinematics import chained_rotation, forward

BANDAI_UNIT_MM = 10.

# BVH joints in the order of a layout's joints.
JOINTS: Dict[str, Tuple[str, ...]] = {
    'bandai22': ('joint_Root', 'Hips', 'Spine', 'Chest', 'Neck', 'Head',
                 *(f'{j}_{s}' for s in 'LR' for j in ('Shoulder', 'UpperArm', 'LowerArm', 'Hand')),
                 *(f'{j}_{s}' for s in 'LR' for j in ('UpperLeg', 'LowerLeg', 'Foot', 'Toes'))),
}


@dataclass
class BvhMotion:
    """A BVH file.

    Args:
        joints: J joint names; an End Site is ``PARENT_end``.
        parents: J parent indices, parents first, -1 for the root.
        offsets: (J, 3) in file units.
        channels: Channels of each joint, such as ``('Xposition', 'Zrotation')``.
        values: (T, C) float64, file units and degrees.
        frame_time: Seconds.
    """
    joints: Tuple[str, ...]
    parents: Tuple[int, ...]
    offsets: np.ndarray
    channels: Tuple[Tuple[str, ...], ...]
    values: np.ndarray
    frame_time: float


def read_bvh(path: PathLike) -> BvhMotion:
    """Parse a BVH file.

    Raises:
        DatasetError: Unreadable, truncated, no frames, a frame with another number of values than
            there are channels, or a value that is not a finite number.
    """
    text = read_text(path)
    head, found, tail = text.partition('MOTION')
    if not found:
        raise DatasetError('no MOTION section: not a BVH file, or a truncated one', file=path)
    try:
        joints, parents, offsets, channels = _hierarchy(head.split())
    except (IndexError, ValueError) as e:
        raise DatasetError(f'broken HIERARCHY ({e})', file=path) from e
    if not np.isfinite(offsets).all():
        joint = joints[int(np.flatnonzero(~np.isfinite(offsets).all(1))[0])]
        raise DatasetError(f'the OFFSET of {joint} is not finite', file=path)
    lines = [line for line in tail.splitlines() if line.strip()]
    try:
        frames = int(lines[0].split(':')[1])
        frame_time = float(lines[1].split(':')[1])
    except (IndexError, ValueError) as e:
        raise DatasetError('MOTION lacks its Frames and Frame Time lines', file=path) from e
    if not 0 < frame_time < np.inf:
        raise DatasetError(f'a frame time of {frame_time} s', file=path)
    values = _values(lines[2:], frames, sum(map(len, channels)), path)
    return BvhMotion(joints, parents, offsets, channels, values, frame_time)


def _hierarchy(words: List[str]) -> Tuple[Tuple[str, ...], Tuple[int, ...], np.ndarray,
                                          Tuple[Tuple[str, ...], ...]]:
    names: List[str] = []
    parents: List[int] = []
    offsets: List[List[float]] = []
    channels: List[Tuple[str, ...]] = []
    stack: List[int] = []
    i = 1 if words and words[0] == 'HIERARCHY' else 0
    while i < len(words):
        word = words[i]
        if word in ('ROOT', 'JOINT', 'End'):
            names.append(words[i + 1] if word != 'End' else f'{names[stack[-1]]}_end')
            parents.append(stack[-1] if stack else -1)
            offsets.append([0., 0., 0.])
            channels.append(())
            if words[i + 2] != '{':
                raise ValueError(f'no brace after {names[-1]}')
            stack.append(len(names) - 1)
            i += 3
        elif word == 'OFFSET':
            offsets[stack[-1]] = [float(w) for w in words[i + 1:i + 4]]
            i += 4
        elif word == 'CHANNELS':
            count = int(words[i + 1])
            channels[stack[-1]] = tuple(words[i + 2:i + 2 + count])
            i += 2 + count
        elif word == '}':
            stack.pop()
            i += 1
        else:
            raise ValueError(f'unexpected {word!r}')
    known = {a + kind for a in 'XYZ' for kind in ('position', 'rotation')}
    unknown = {c for own in channels for c in own} - known
    if unknown:
        raise ValueError(f'unknown channels {sorted(unknown)}')
    if stack or parents.count(-1) != 1:
        raise ValueError('braces do not close or there is not one ROOT')
    return tuple(names), tuple(parents), np.array(offsets), tuple(channels)


def _values(lines: List[str], frames: int, channels: int, path: PathLike) -> np.ndarray:
    name = Path(path).stem
    if frames < 1:
        raise DatasetError('no frames', file=path, sequence=name)
    rows = [line.split() for line in lines]
    for frame, row in enumerate(rows):
        if len(row) != channels:
            raise DatasetError(f'{len(row)} values, the hierarchy has {channels} channels',
                               file=path, sequence=name, frame=frame)
    if len(rows) != frames:
        raise DatasetError(f'{frames} frames announced, {len(rows)} found', file=path,
                           sequence=name)
    try:
        values = np.array(rows, dtype=np.float64)
    except ValueError as e:
        raise DatasetError(f'a value is not a number ({e})', file=path, sequence=name) from e
    require_finite(values, path, name)
    return values


def joint_positions(motion: BvhMotion) -> np.ndarray:
    """Positions (T, J, 3) of all joints and End Sites in the file's unit, float64."""
    rotations: List[Optional[np.ndarray]] = []
    offsets: List[np.ndarray] = []
    start = 0
    for own, offset in zip(motion.channels, motion.offsets):
        block = motion.values[:, start:start + len(own)]
        start += len(own)
        place = np.repeat(offset[None], len(block), axis=0)
        turns = [n for n, c in enumerate(own) if c.endswith('rotation')]
        for n, channel in enumerate(own):
            if channel.endswith('position'):
                place[:, 'XYZ'.index(channel[0])] = block[:, n]
        offsets.append(place)
        rotations.append(chained_rotation(''.join(own[n][0].lower() for n in turns),
                                          block[:, turns]) if turns else None)
    return forward(motion.parents, rotations, offsets, offset_turns=False)


def read_take(path: PathLike, layout: str = 'bandai22', unit_mm: float = BANDAI_UNIT_MM,
              joints: Optional[Tuple[str, ...]] = None, up: str = '+y') -> SkeletonClip:
    """A BVH file as a clip.

    Bandai-Namco's labels come from the file name ``dataset-1_ACTION_STYLE_NNN.bvh`` (action,
    style, take) and the JSON file of the same name, where there is one (content, style_id). The
    data set does not say which of its actors performs a take.

    Args:
        path: The file.
        layout: Key point layout of the result.
        unit_mm: Millimetres in the file's length unit (Bandai-Namco: centimetres).
        joints: The file's joints in the order of the layout, by default those of `JOINTS`.
        up: Axis that points up.

    Raises:
        DatasetError: See `read_bvh`; or a joint of the layout is not in the file, or it is not
            known which they are.
    """
    path = Path(path)
    if joints is None:
        if layout not in JOINTS:
            raise DatasetError(f'which of its joints make up layout {layout} is not known, only '
                               f'those of {", ".join(JOINTS)}: name them (joints)', file=path)
        joints = JOINTS[layout]
    wanted = get_skeleton(layout).num_joints
    if len(joints) != wanted:
        raise DatasetError(f'{len(joints)} joints named, layout {layout} has {wanted}', file=path)
    motion = read_bvh(path)
    missing = [j for j in joints if j not in motion.joints]
    if missing:
        raise DatasetError(f'no joint {", ".join(missing)}, which layout {layout} needs', file=path)
    positions = joint_positions(motion)[:, [motion.joints.index(j) for j in joints]]
    # Frame times are rounded in the file; no rate finer than a hundredth is meant.
    fps = round(1 / motion.frame_time, 2)
    return SkeletonClip(positions * unit_mm, layout, up, fps, path.stem, _labels(path))


def _labels(path: Path) -> Dict[str, Union[int, str]]:
    words = path.stem.split('_')
    labels: Dict[str, Union[int, str]] = {}
    if len(words) == 4 and words[3].isdigit():
        labels.update(action=words[1], style=words[2], take=int(words[3]))
    annotation = path.with_suffix('.json')
    if annotation.is_file():
        try:
            data = json.loads(read_text(annotation))
            labels.update(content=int(data['content']), style_id=int(data['style']))
        except (ValueError, KeyError, TypeError) as e:
            if isinstance(e, DatasetError):
                raise
            raise DatasetError('not an annotation with content and style', file=annotation) from e
    return labels


def read_folder(root: PathLike, layout: str = 'bandai22', unit_mm: float = BANDAI_UNIT_MM,
                joints: Optional[Tuple[str, ...]] = None, up: str = '+y', progress: bool = False
                ) -> List[SkeletonClip]:
    """All BVH files below a folder (or one file), sorted by path; arguments as in `read_take`.

    Raises:
        DatasetError: The folder holds no BVH file, or one cannot be read.
    """
    return read_each(find_files(root, '*.bvh'),
                     lambda path: [read_take(path, layout, unit_mm, joints, up)], progress, 'BVH')
