"""The skeleton: a named tree of joints."""
from dataclasses import dataclass, field
from typing import Dict, Sequence, Tuple

PARTS = ('torso', 'left_arm', 'right_arm', 'left_leg', 'right_leg')

_ARM = ('clavicle', 'shoulder', 'elbow', 'forearm', 'wrist', 'hand', 'hand_tip', 'thumb', 'index',
        'pinky')
_LEG = ('hip', 'knee', 'ankle', 'heel', 'foot', 'toe', 'big_toe', 'small_toe')


@dataclass(frozen=True)
class Skeleton:
    """A tree of joints with its left-right symmetry.

    Joint names are shared by all layouts, so that equal names mean the same anatomical place and
    one layout can be mapped to another by name. Names of paired joints begin with ``left_`` and
    ``right_``, the person's own left and right.

    Args:
        name: Name of the layout.
        joints: K joint names, in the order of the key point axis.
        parents: K parent indices; -1 marks the one root.
        flip_pairs: (left, right) joint indices.
        parts: Joint indices of each body part; parts do not overlap and cover all joints.

    Raises:
        ValueError: The parents are not one tree, a name repeats, or pairs or parts are invalid.
    """
    name: str
    joints: Tuple[str, ...]
    parents: Tuple[int, ...]
    flip_pairs: Tuple[Tuple[int, int], ...] = ()
    parts: Dict[str, Tuple[int, ...]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        _check_tree(self)
        _check_pairs(self)
        _check_parts(self)

    @classmethod
    def from_names(cls, name: str, joints: Sequence[str], bones: Sequence[Tuple[str, str]]
                   ) -> 'Skeleton':
        """A skeleton from (child, parent) names; pairs and parts follow from the joint names.

        Raises:
            ValueError: A bone names an unknown joint, or the bones are not one tree.
        """
        index = {joint: i for i, joint in enumerate(joints)}
        parents = [-1] * len(joints)
        for child, parent in bones:
            if child not in index or parent not in index:
                raise ValueError(f'skeleton {name}: bone {child}-{parent} names an unknown joint')
            parents[index[child]] = index[parent]
        pairs = tuple((i, index['right_' + joint[5:]]) for i, joint in enumerate(joints)
                      if joint.startswith('left_') and 'right_' + joint[5:] in index)
        parts = {part: tuple(i for i, joint in enumerate(joints) if part_of(joint) == part)
                 for part in PARTS}
        return cls(name, tuple(joints), tuple(parents), pairs, parts)

    @property
    def num_joints(self) -> int:
        """Number of joints K."""
        return len(self.joints)

    @property
    def root(self) -> int:
        """Index of the joint without a parent."""
        return self.parents.index(-1)

    @property
    def bones(self) -> Tuple[Tuple[int, int], ...]:
        """The K - 1 bones as (child, parent), in the order of the child."""
        return tuple((i, p) for i, p in enumerate(self.parents) if p >= 0)

    @property
    def flip_index(self) -> Tuple[int, ...]:
        """Permutation (K,) that swaps left and right: ``positions[..., flip_index, :]``."""
        order = list(range(self.num_joints))
        for left, right in self.flip_pairs:
            order[left], order[right] = right, left
        return tuple(order)

    @property
    def symmetric_bones(self) -> Tuple[Tuple[int, int], ...]:
        """Pairs (left, right) of indices into `bones` that are each other's mirror image."""
        flip = self.flip_index
        place = {bone: i for i, bone in enumerate(self.bones)}
        lefts = {left for left, _ in self.flip_pairs}
        return tuple((i, place[flip[c], flip[p]]) for (c, p), i in place.items()
                     if c in lefts and (flip[c], flip[p]) in place)

    def children(self, joint: int) -> Tuple[int, ...]:
        """Indices of the joints whose parent is `joint`."""
        return tuple(i for i, p in enumerate(self.parents) if p == joint)

    def index(self, joint: str) -> int:
        """Index of a joint by its name.

        Raises:
            ValueError: The layout has no such joint.
        """
        if joint not in self.joints:
            raise ValueError(f'layout {self.name} has no joint {joint!r}; it has '
                             f'{", ".join(self.joints)}')
        return self.joints.index(joint)


def part_of(joint: str) -> str:
    """Body part (one of `PARTS`) of a joint name; everything unpaired is torso."""
    side, _, rest = joint.partition('_')
    if side in ('left', 'right'):
        if rest in _ARM:
            return f'{side}_arm'
        if rest in _LEG:
            return f'{side}_leg'
    return 'torso'


def _check_tree(s: Skeleton) -> None:
    k = len(s.joints)
    if k == 0 or len(set(s.joints)) != k:
        raise ValueError(f'skeleton {s.name}: joint names must be unique and at least one')
    if len(s.parents) != k:
        raise ValueError(f'skeleton {s.name}: {k} joints but {len(s.parents)} parents')
    if any(not -1 <= p < k for p in s.parents) or s.parents.count(-1) != 1:
        raise ValueError(f'skeleton {s.name}: exactly one parent must be -1, the others '
                         f'in 0..{k - 1}')
    for joint in range(k):
        steps, node = 0, joint
        while node >= 0 and steps <= k:
            node, steps = s.parents[node], steps + 1
        if steps > k:
            raise ValueError(f'skeleton {s.name}: joint {s.joints[joint]} does not reach the root')


def _check_pairs(s: Skeleton) -> None:
    paired = [j for pair in s.flip_pairs for j in pair]
    if len(set(paired)) != len(paired) or any(not 0 <= j < len(s.joints) for j in paired):
        raise ValueError(f'skeleton {s.name}: flip_pairs repeat a joint or leave the skeleton')
    flip = s.flip_index
    for child, parent in s.bones:
        if s.parents[flip[child]] != flip[parent]:
            raise ValueError(f'skeleton {s.name}: the tree is not symmetric at '
                             f'{s.joints[child]}-{s.joints[parent]}')


def _check_parts(s: Skeleton) -> None:
    members = sorted(j for part in s.parts.values() for j in part)
    if s.parts and members != list(range(len(s.joints))):
        raise ValueError(f'skeleton {s.name}: parts must hold every joint exactly once')
