from .encode_poses import EncodePoses
from .pose_augmentation import (CopyToViews, CorruptJoints, MirrorPoses, PackPoses, RotatePoses,
                                ScaleBones, ScalePoses)
from .projection import PackLifting, ProjectPoses
from .sequence import PackActions, ResampleFrames, ScaleToBoneLength

__all__ = ['CopyToViews', 'CorruptJoints', 'EncodePoses', 'MirrorPoses', 'PackActions',
           'PackLifting', 'PackPoses', 'ProjectPoses', 'ResampleFrames', 'RotatePoses',
           'ScaleBones', 'ScalePoses', 'ScaleToBoneLength']
