from .encode_poses import EncodePoses
from .pose_augmentation import (CopyToViews, CorruptJoints, MirrorPoses, PackPoses, RotatePoses,
                                ScaleBones, ScalePoses)
from .projection import PackLifting, ProjectPoses
from .sequence import PackActions, ResampleFrames, ScaleToBoneLength
from .views import DetectionNoise, FlipViews, PackViews, ProjectViews

__all__ = ['CopyToViews', 'CorruptJoints', 'DetectionNoise', 'EncodePoses', 'FlipViews',
           'MirrorPoses', 'PackActions', 'PackLifting', 'PackPoses',
           'PackViews', 'ProjectPoses', 'ProjectViews', 'ResampleFrames', 'RotatePoses',
           'ScaleBones', 'ScalePoses', 'ScaleToBoneLength']
