"""Groups of joints that are lifted on their own."""
from typing import Dict, Mapping, Sequence, Tuple, Union

from .skeleton import PARTS, Skeleton

Groups = Mapping[str, Sequence[Union[str, int]]]

# The three groupings of P. Hardy et al., "Optimising 2D pose representation", 2022, Sec. 3.1.
PARTITIONS: Dict[str, Dict[str, Tuple[str, ...]]] = {
    'full': {'body': PARTS},
    'leg-torso': {'legs': ('left_leg', 'right_leg'), 'torso': ('torso', 'left_arm', 'right_arm')},
    'limbs': {part: (part, ) for part in PARTS},
}


def partition(skeleton: Skeleton, groups: Union[str, Groups],
              leave_out: Sequence[int] = ()) -> Dict[str, Tuple[int, ...]]:
    """Joint numbers of each group; together they hold every joint exactly once.

    Args:
        skeleton: The layout.
        groups: A name of :data:`PARTITIONS`, or members by group: body parts of the skeleton
            (``'left_leg'``), names of joints or their numbers.
        leave_out: Joints that belong to no group, usually the root.

    Returns:
        Sorted joint numbers by group, in the order of ``groups``.

    Raises:
        ValueError: An unknown name, an empty group, or a joint that is missing, repeated or out of
            range.
    """
    if isinstance(groups, str):
        if groups not in PARTITIONS:
            raise ValueError(f'no partition {groups!r}; there are {", ".join(PARTITIONS)}')
        groups = PARTITIONS[groups]
    found = {name: _members(skeleton, members, leave_out) for name, members in groups.items()}
    _check(skeleton, found, leave_out)
    return {name: tuple(sorted(joints)) for name, joints in found.items()}


def _members(skeleton: Skeleton, members: Sequence[Union[str, int]],
             leave_out: Sequence[int]) -> Sequence[int]:
    if isinstance(members, str):
        raise ValueError(f'members of a group must be a list, got {members!r}')
    joints = []
    for member in members:
        if isinstance(member, str) and member in skeleton.parts:
            joints += [joint for joint in skeleton.parts[member] if joint not in leave_out]
        else:
            joints.append(skeleton.index(member) if isinstance(member, str) else int(member))
    return joints


def _check(skeleton: Skeleton, groups: Dict[str, Sequence[int]],
           leave_out: Sequence[int]) -> None:
    place = f'partition of {skeleton.name}'
    empty = [name for name, joints in groups.items() if not joints]
    if empty or not groups:
        raise ValueError(f'{place}: no joints in {", ".join(empty) or "it"}')
    given = [joint for joints in groups.values() for joint in joints]
    outside = [joint for joint in given if not 0 <= joint < skeleton.num_joints]
    if outside:
        raise ValueError(f'{place}: there is no joint {outside[0]}')
    for what, joints in (
            ('repeats', {joint for joint in given if given.count(joint) > 1}),
            ('must not hold', set(given) & set(leave_out)),
            ('misses', set(range(skeleton.num_joints)) - set(given) - set(leave_out))):
        if joints:
            names = ', '.join(skeleton.joints[joint] for joint in sorted(joints))
            raise ValueError(f'{place} {what} {names}')
