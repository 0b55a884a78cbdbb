from .pose_augmentation import (CopyToViews, CorruptJoints, MirrorPoses, PackPoses, RotatePoses,
                                ScaleBones, ScalePoses)
from .sequence import PackActions, ResampleFrames, ScaleToBoneLength

__all__ = ['CopyToViews', 'CorruptJoints', 'MirrorPoses', 'PackActions', 'PackPoses',
           'ResampleFrames', 'RotatePoses', 'ScaleBones', 'ScalePoses', 'ScaleToBoneLength']
