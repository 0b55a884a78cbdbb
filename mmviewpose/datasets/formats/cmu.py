"""CMU motion capture: Acclaim skeletons (.asf) and motions (.amc).

The files' length unit is 1 / `length` inch (`length` is 0.45 in the data set), their frame rate
120 Hz, y is up. A bone's rotation is C M C^-1: C turns into the bone's own axes, M is the motion;
both turn about x first, then y, then z for the axis order XYZ.
"""
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import numpy as np

from mmviewpose.errors import DatasetError

from .clip import PathLike, SkeletonClip, find_files, read_each, read_text, require_finite
from .kinematics import chained_rotation, forward

FPS = 120.
INCH = 25.4
LAYOUT = 'cmu31'

_DOFS = ('rx', 'ry', 'rz')
_SIDE_BONES = ('hipjoint', 'femur', 'tibia', 'foot', 'toes')
_SIDE_ARMS = ('clavicle', 'humerus', 'radius', 'wrist', 'hand', 'fingers', 'thumb')
# ASF bones in the order of the joints of cmu31.
BONES = ('root', *(s + b for s in 'lr' for b in _SIDE_BONES), 'lowerback', 'upperback', 'thorax',
         'lowerneck', 'upperneck', 'head', *(s + b for s in 'lr' for b in _SIDE_ARMS))


@dataclass
class AsfBone:
    """A bone: direction (3,), length in file units, axis (3, 3), its rotation order and dofs."""
    name: str
    direction: np.ndarray
    length: float
    axis: np.ndarray
    order: str
    dofs: Tuple[str, ...]


@dataclass
class AsfSkeleton:
    """An ASF file: bones with parents before children (the root is not a bone), unit in mm."""
    file: str
    unit_mm: float
    root_channels: Tuple[str, ...]
    root_order: str
    root_axis: np.ndarray
    root_position: np.ndarray
    bones: List[AsfBone]
    parents: List[int]

    @property
    def channels(self) -> Dict[str, Tuple[str, ...]]:
        """Channels per joint of the AMC; joints that cannot move are not in it."""
        return {'root': self.root_channels, **{b.name: b.dofs for b in self.bones if b.dofs}}


def read_asf(path: PathLike) -> AsfSkeleton:
    """The skeleton of an ASF file.

    Raises:
        DatasetError: Unreadable, incomplete or with channels other than rotations.
    """
    sections = _sections(read_text(path), path)
    try:
        units = dict(line.split()[:2] for line in sections['units'])
        if units.get('angle', 'deg') != 'deg':
            raise DatasetError('angles must be in degrees', file=path)
        root = {line.split()[0]: line.split()[1:] for line in sections['root'] if line.strip()}
        bones = {b.name: b for b in map(_bone, _blocks(sections['bonedata']))}
        order, parents = _hierarchy(sections['hierarchy'], bones)
        return AsfSkeleton(
            str(path), INCH / _length_unit(units['length']),
            tuple(c.lower() for c in root['order']), root['axis'][0].lower(),
            _own_axes(root['axis'][0].lower(), root['orientation']),
            _finite(root['position'], 'the root\'s position'), order, parents)
    except DatasetError:
        raise
    except (KeyError, ValueError, IndexError) as e:
        raise DatasetError(f'not a complete ASF skeleton ({type(e).__name__}: {e})',
                           file=path) from e


def _finite(words: List[str], what: str) -> np.ndarray:
    values = np.array(words, dtype=float)
    if not np.isfinite(values).all():
        raise ValueError(f'{what} is not finite')
    return values


def _length_unit(word: str) -> float:
    unit = float(word)
    if not 0 < unit < np.inf:
        raise ValueError(f'a length unit of {word}')
    return unit


def _sections(text: str, path: PathLike) -> Dict[str, List[str]]:
    out: Dict[str, List[str]] = {}
    for line in text.splitlines():
        line = line.split('#', 1)[0].strip()
        if line.startswith(':'):
            out[line[1:].split()[0].lower()] = current = []
        elif line and out:
            current.append(line)
    missing = {'units', 'root', 'bonedata', 'hierarchy'} - set(out)
    if missing:
        raise DatasetError(f'not a complete ASF skeleton (no {", ".join(sorted(missing))})',
                           file=path)
    return out


def _blocks(lines: List[str]) -> List[List[str]]:
    blocks: List[List[str]] = []
    for line in lines:
        if line == 'begin':
            blocks.append([])
        elif line != 'end':
            blocks[-1].append(line)
    return blocks


def _own_axes(order: str, degrees: List[str]) -> np.ndarray:
    # The first axis of the order turns first.
    angles = dict(zip(order, _finite(degrees[:3], 'an axis')))
    return chained_rotation(order[::-1], np.array([angles[a] for a in order[::-1]]))


def _bone(block: List[str]) -> AsfBone:
    entry = {line.split()[0]: line.split()[1:] for line in block}
    order = entry['axis'][3].lower()
    dofs = tuple(d.lower() for d in entry.get('dof', ()))
    unknown = set(dofs) - set(_DOFS)
    if unknown:
        raise ValueError(f'bone {entry["name"][0]} has channels {sorted(unknown)}')
    name = entry['name'][0]
    return AsfBone(name, _finite(entry['direction'], f'the direction of {name}').reshape(3),
                   float(_finite(entry['length'][:1], f'the length of {name}')[0]),
                   _own_axes(order, entry['axis']), order, dofs)


def _hierarchy(lines: List[str], bones: Dict[str, AsfBone]) -> Tuple[List[AsfBone], List[int]]:
    children = {line.split()[0]: line.split()[1:] for line in lines if line not in ('begin', 'end')}
    order, parents, stack = [], [], [('root', -1)]
    while stack:
        name, parent = stack.pop(0)
        if name != 'root':
            order.append(bones[name])
            parents.append(parent)
        here = len(order) - 1 if name != 'root' else -1
        stack[:0] = [(child, here) for child in children.get(name, ())]
    if len(order) != len(bones):
        raise ValueError('the hierarchy does not hold every bone once')
    return order, parents


def read_amc(path: PathLike, asf: AsfSkeleton, stride: int = 1) -> Dict[str, np.ndarray]:
    """The channels of an AMC file: joint -> (T, channels), degrees and file units, float64.

    Raises:
        DatasetError: Unreadable, no frames, a joint missing or unknown, a wrong number of values,
            or a value that is not a number; names the frame.
    """
    lines = [line for line in read_text(path).splitlines()
             if line and line[0] not in '#:']
    name = Path(path).stem
    if not lines:
        raise DatasetError('no frames', file=path, sequence=name)
    end = next((i for i, line in enumerate(lines[1:], 1) if line.strip().isdigit()), len(lines))
    joints = [line.split()[0] for line in lines[1:end]]
    regular = (set(joints) == set(asf.channels) and len(joints) == len(asf.channels)
               and len(lines) % end == 0
               and all(line.startswith(joint + ' ') for i, joint in enumerate(joints, 1)
                       for line in lines[i::end])
               and all(line.strip().isdigit() for line in lines[0::end]))
    if not regular:
        raise _first_irregular(lines, asf, path)
    out = {}
    for i, joint in enumerate(joints, 1):
        size = len(asf.channels[joint])
        cut = len(joint) + 1
        picked = [line[cut:].strip() for line in lines[i::end * stride]]
        # The quick count is right for single spaces; only what fails it is split.
        if any(line.count(' ') != size - 1 and len(line.split()) != size for line in picked):
            raise _first_irregular(lines, asf, path)
        try:
            values = np.array(' '.join(picked).split(), dtype=np.float64).reshape(len(picked), size)
        except ValueError:
            raise _first_irregular(lines, asf, path) from None
        require_finite(values, path, name, stride)
        out[joint] = values
    return out


def _first_irregular(lines: List[str], asf: AsfSkeleton, path: PathLike) -> DatasetError:
    """The error of the first frame that is not what the skeleton asks for."""
    name, frame, seen = Path(path).stem, -1, set(asf.channels)

    def error(problem: str) -> DatasetError:
        return DatasetError(problem, file=path, sequence=name, frame=max(frame, 0))

    for line in [*lines, '0']:
        words = line.split()
        if len(words) == 1 and words[0].isdigit():
            missing = set(asf.channels) - seen
            if missing:
                return error(f'no values for joint {", ".join(sorted(missing))}')
            frame, seen = frame + 1, set()
            continue
        if not words or words[0] not in asf.channels or frame < 0:
            return error(f'unexpected line {line[:40]!r}')
        if len(words) - 1 != len(asf.channels[words[0]]):
            return error(f'joint {words[0]} has {len(words) - 1} values, '
                         f'{Path(asf.file).name} wants {len(asf.channels[words[0]])}')
        if not all(re.fullmatch(r'[-+0-9.eE]+', w) for w in words[1:]):
            return error(f'joint {words[0]} has a value that is not a number')
        if words[0] in seen:
            return error(f'joint {words[0]} comes twice')
        seen.add(words[0])
    return error('the order of the joints changes or a line is broken')


def joint_positions(asf: AsfSkeleton, motion: Dict[str, np.ndarray]) -> np.ndarray:
    """Positions (T, 1 + bones, 3) in mm: the root, then the end of every bone of `asf`."""
    root = dict(zip(asf.root_channels, motion['root'].T))
    place = asf.root_position + np.stack([root['t' + a] for a in 'xyz'], axis=-1)
    turn = _motion(asf.root_order, {c: v for c, v in root.items() if c[0] == 'r'}) @ asf.root_axis
    rotations, offsets = [turn], [place]
    for bone in asf.bones:
        offsets.append(bone.direction * bone.length)
        if not bone.dofs:
            rotations.append(None)
            continue
        local = _motion(bone.order, dict(zip(bone.dofs, motion[bone.name].T)))
        rotations.append(bone.axis @ local @ bone.axis.T)
    parents = [-1] + [p + 1 for p in asf.parents]
    return forward(parents, rotations, offsets, offset_turns=True) * asf.unit_mm


def _motion(order: str, channels: Dict[str, np.ndarray]) -> np.ndarray:
    axes = ''.join(a for a in order[::-1] if 'r' + a in channels)
    return chained_rotation(axes, np.stack([channels['r' + a] for a in axes], axis=-1))


def read_take(path: PathLike, asf: Optional[AsfSkeleton] = None, stride: int = 1) -> SkeletonClip:
    """A take (.amc) as a clip of layout cmu31, up +y, 120 Hz / stride; labels subject and trial.

    Args:
        path: The AMC file, ``SUBJECT_TRIAL.amc``.
        asf: Its skeleton; by default ``SUBJECT.asf`` (or the only .asf) beside it.
        stride: Read every stride-th frame.

    Raises:
        DatasetError: See `read_asf` and `read_amc`; or the skeleton is not CMU's.
    """
    path = Path(path)
    asf = asf if asf is not None else read_asf(_skeleton_of(path))
    names = ['root'] + [bone.name for bone in asf.bones]
    missing = set(BONES) - set(names)
    if missing:
        raise DatasetError(f'the skeleton lacks {", ".join(sorted(missing))}', file=asf.file)
    positions = joint_positions(asf, read_amc(path, asf, stride))
    words = path.stem.split('_')
    labels = dict(zip(('subject', 'trial'), map(int, words))) \
        if len(words) == 2 and all(word.isdigit() for word in words) else {}
    return SkeletonClip(positions[:, [names.index(b) for b in BONES]], LAYOUT, '+y', FPS / stride,
                        path.stem, labels)


def _skeleton_of(amc: Path) -> Path:
    own = amc.with_name(amc.stem.split('_')[0] + '.asf')
    if own.is_file():
        return own
    others = sorted(amc.parent.glob('*.asf'))
    if len(others) != 1:
        raise DatasetError(f'no skeleton {own.name} beside it', file=amc)
    return others[0]


def read_folder(root: PathLike, stride: int = 1, progress: bool = False) -> List[SkeletonClip]:
    """All takes below a folder (or one .amc file), sorted by path.

    Raises:
        DatasetError: The folder holds no take, or one cannot be read.
    """
    skeletons: Dict[Path, AsfSkeleton] = {}

    def read(path: Path) -> List[SkeletonClip]:
        asf = _skeleton_of(path)
        if asf not in skeletons:
            skeletons[asf] = read_asf(asf)
        return [read_take(path, skeletons[asf], stride)]

    return read_each(find_files(root, '*.amc'), read, progress, 'CMU')
