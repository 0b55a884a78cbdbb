from .pose_augmentation import (CopyToViews, CorruptJoints, MirrorPoses, PackPoses, RotatePoses,
                                ScaleBones, ScalePoses)
from .projection import PackLifting, ProjectPoses
from .sequence import PackActions, ResampleFrames, ScaleToBoneLength

__all__ = ['CopyToViews', 'CorruptJoints', 'MirrorPoses', 'PackActions', 'PackLifting', 'PackPoses',
           'ProjectPoses', 'ResampleFrames', 'RotatePoses', 'ScaleBones', 'ScalePoses',
           'ScaleToBoneLength']
