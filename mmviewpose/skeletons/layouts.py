"""The catalogue of key point layouts.

=================  ===  ==========================================================================
name               K    source
=================  ===  ==========================================================================
ape17              17   SeBiReNet's tree (Kinect v2 names without hands and feet)
h36m17             17   Human3.6M as in mmpose
h36m16             16   the same without the pelvis (legs 0-5, torso 6-15)
nucla20            20   Kinect v1: N-UCLA, MSR
ntu25              25   Kinect v2: NTU RGB+D
coco17             17   COCO
openpose25         25   OpenPose BODY_25
mediapipe33        33   MediaPipe pose
cmu31              31   CMU mocap: root and the 30 ASF bone ends
bandai22           22   Bandai-Namco Research Motiondataset 1
mpi_inf_3dhp17     17   MPI-INF-3DHP as in mmpose
=================  ===  ==========================================================================

Equal names mean the same anatomical place. Where a data set's own name says something else, the
place decides. ``spine_shoulder`` is the base of the neck between the shoulders: Kinect's shoulder
centre, "neck" of OpenPose, MPI-INF-3DHP and Bandai-Namco, "thorax" of Human3.6M, the end of CMU's
lowerneck bone (CMU's thorax bone ends 5 cm below the shoulders). ``head`` is the middle of the
head: CMU's head bone ends there, at eye height. ``head_base`` is the joint under the skull
(MPI-INF-3DHP's "head"), ``head_top`` the crown. Human3.6M's joint 9 ("neck_base" in mmpose,
"Neck/Nose" elsewhere) lies at the front of the head and is ``nose``. CMU's radius bone ends in mid-forearm
(``forearm``), its wrist bone at the wrist.
"""
from typing import Dict, List, Sequence, Tuple

from .skeleton import Skeleton

Bones = List[Tuple[str, str]]


def _chain(*joints: str) -> Bones:
    """Bones of a chain that begins at a parent: a - b - c -> (b, a), (c, b)."""
    return [(child, parent) for parent, child in zip(joints, joints[1:])]


def _both(*joints: str) -> Bones:
    """A chain on the left and on the right; joints that begin with ``*`` are paired."""
    return [bone for side in ('left_', 'right_')
            for bone in _chain(*(joint.replace('*', side) for joint in joints))]


def _sides(names: Sequence[str], first: str = 'left') -> List[str]:
    """Joint names of one side, then of the other."""
    second = 'right' if first == 'left' else 'left'
    return [f'{side}_{name}' for side in (first, second) for name in names]


_ARM = ['shoulder', 'elbow', 'wrist']
_LEG = ['hip', 'knee', 'ankle']
_SPINE = _chain('pelvis', 'spine_mid', 'spine_shoulder', 'neck', 'head')
_ARMS = _both('spine_shoulder', '*shoulder', '*elbow', '*wrist')
_LEGS = _both('pelvis', '*hip', '*knee', '*ankle')


def _ape17() -> Skeleton:
    joints = ['pelvis', 'spine_mid', 'neck', 'head', *_sides(_ARM), *_sides(_LEG),
              'spine_shoulder']
    return Skeleton.from_names('ape17', joints, _SPINE + _ARMS + _LEGS)


def _h36m17() -> Skeleton:
    joints = ['pelvis', *_sides(_LEG, 'right'), 'spine_mid', 'spine_shoulder', 'nose', 'head_top',
              *_sides(_ARM)]
    spine = _chain('pelvis', 'spine_mid', 'spine_shoulder', 'nose', 'head_top')
    return Skeleton.from_names('h36m17', joints, spine + _ARMS + _LEGS)


def _h36m16() -> Skeleton:
    joints = [*_sides(_LEG, 'right'), 'spine_mid', 'spine_shoulder', 'nose', 'head_top',
              *_sides(_ARM)]
    # Without the pelvis the hips hang from the next joint up.
    bones = (_chain('spine_mid', 'spine_shoulder', 'nose', 'head_top') + _ARMS
             + _both('spine_mid', '*hip', '*knee', '*ankle'))
    return Skeleton.from_names('h36m16', joints, bones)


def _nucla20() -> Skeleton:
    joints = ['pelvis', 'spine_mid', 'spine_shoulder', 'head', *_sides(_ARM + ['hand']),
              *_sides(_LEG + ['foot'])]
    bones = (_chain('pelvis', 'spine_mid', 'spine_shoulder', 'head')
             + _ARMS + _both('*wrist', '*hand') + _LEGS + _both('*ankle', '*foot'))
    return Skeleton.from_names('nucla20', joints, bones)


def _ntu25() -> Skeleton:
    joints = ['pelvis', 'spine_mid', 'neck', 'head', *_sides(_ARM + ['hand']),
              *_sides(_LEG + ['foot']), 'spine_shoulder', *_sides(['hand_tip', 'thumb'])]
    bones = (_SPINE + _ARMS + _both('*wrist', '*hand', '*hand_tip') + _both('*wrist', '*thumb')
             + _LEGS + _both('*ankle', '*foot'))
    return Skeleton.from_names('ntu25', joints, bones)


def _pairs(*names: str) -> List[str]:
    """Left and right of each name in turn."""
    return [f'{side}_{name}' for name in names for side in ('left', 'right')]


def _coco17() -> Skeleton:
    joints = ['nose', *_pairs('eye', 'ear', 'shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle')]
    bones = (_both('nose', '*eye', '*ear')
             + _both('nose', '*shoulder', '*elbow', '*wrist')
             + _both('*shoulder', '*hip', '*knee', '*ankle'))
    return Skeleton.from_names('coco17', joints, bones)


def _openpose25() -> Skeleton:
    joints = ['nose', 'spine_shoulder', *_sides(_ARM, 'right'), 'pelvis', *_sides(_LEG, 'right'),
              'right_eye', 'left_eye', 'right_ear', 'left_ear',
              *_sides(['big_toe', 'small_toe', 'heel'])]
    bones = (_chain('pelvis', 'spine_shoulder', 'nose') + _both('nose', '*eye', '*ear')
             + _ARMS + _LEGS + _both('*ankle', '*big_toe') + _both('*ankle', '*small_toe')
             + _both('*ankle', '*heel'))
    return Skeleton.from_names('openpose25', joints, bones)


def _mediapipe33() -> Skeleton:
    joints = ['nose', *_sides(['eye_inner', 'eye', 'eye_outer']),
              *_pairs('ear', 'mouth', 'shoulder', 'elbow', 'wrist', 'pinky', 'index', 'thumb',
                      'hip', 'knee', 'ankle', 'heel', 'toe')]
    bones = (_both('nose', '*eye_inner', '*eye', '*eye_outer', '*ear') + _both('nose', '*mouth')
             + _both('nose', '*shoulder', '*elbow', '*wrist') + _both('*wrist', '*pinky')
             + _both('*wrist', '*index') + _both('*wrist', '*thumb')
             + _both('*shoulder', '*hip', '*knee', '*ankle') + _both('*ankle', '*heel')
             + _both('*ankle', '*toe'))
    return Skeleton.from_names('mediapipe33', joints, bones)


def _cmu31() -> Skeleton:
    joints = ['pelvis', *_sides(_LEG + ['foot', 'toe']), 'spine_mid', 'spine_upper',
              'thorax', 'spine_shoulder', 'head_base', 'head',
              *_sides(['shoulder', 'elbow', 'forearm', 'wrist', 'hand', 'hand_tip', 'thumb'])]
    bones = (_chain('pelvis', 'spine_mid', 'spine_upper', 'thorax', 'spine_shoulder', 'head_base',
                    'head') + _LEGS + _both('*ankle', '*foot', '*toe')
             + _both('thorax', '*shoulder', '*elbow', '*forearm', '*wrist', '*hand',
                     '*hand_tip') + _both('*wrist', '*thumb'))
    return Skeleton.from_names('cmu31', joints, bones)


def _bandai22() -> Skeleton:
    joints = ['ground', 'pelvis', 'spine_mid', 'spine_upper', 'spine_shoulder', 'head_base',
              *_sides(['clavicle'] + _ARM), *_sides(_LEG + ['foot'])]
    bones = (_chain('ground', 'pelvis', 'spine_mid', 'spine_upper', 'spine_shoulder',
                    'head_base')
             + _both('spine_upper', '*clavicle', '*shoulder', '*elbow', '*wrist')
             + _LEGS + _both('*ankle', '*foot'))
    return Skeleton.from_names('bandai22', joints, bones)


def _mpi_inf_3dhp17() -> Skeleton:
    joints = ['head_top', 'spine_shoulder', *_sides(_ARM, 'right'), *_sides(_LEG, 'right'),
              'pelvis', 'spine_mid', 'head_base']
    bones = (_chain('pelvis', 'spine_mid', 'spine_shoulder', 'head_base', 'head_top')
             + _ARMS + _LEGS)
    return Skeleton.from_names('mpi_inf_3dhp17', joints, bones)


LAYOUTS: Dict[str, Skeleton] = {s.name: s for s in (
    _ape17(), _h36m17(), _h36m16(), _nucla20(), _ntu25(), _coco17(), _openpose25(),
    _mediapipe33(), _cmu31(), _bandai22(), _mpi_inf_3dhp17())}


def get_skeleton(name: str) -> Skeleton:
    """The skeleton of a layout.

    Raises:
        KeyError: No layout has this name; the message lists those that exist.
    """
    if isinstance(name, Skeleton):
        return name
    if name not in LAYOUTS:
        raise KeyError(f'no skeleton layout {name!r}; there are {", ".join(sorted(LAYOUTS))}')
    return LAYOUTS[name]
