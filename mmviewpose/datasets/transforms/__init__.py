from .canonical_pose import CanonicalPose
from .encode_poses import EncodePoses
from .frames import EncodeImages, PackFrames
from .images import FlipImages, PackImages, ShiftImages
from .pose_augmentation import (CopyToViews, CorruptJoints, MirrorPoses, PackPoses, RotatePoses,
                                ScaleBones, ScalePoses)
from .pose_images import PackPoseImages
from .projection import PackLifting, ProjectPoses
from .sequence import PackActions, ResampleFrames, ScaleToBoneLength
from .views import DetectionNoise, FlipViews, PackViews, ProjectViews

__all__ = ['CanonicalPose', 'CopyToViews', 'CorruptJoints', 'DetectionNoise', 'EncodeImages',
           'EncodePoses', 'FlipImages', 'FlipViews', 'MirrorPoses', 'PackActions', 'PackFrames',
           'PackImages', 'PackLifting', 'PackPoseImages', 'PackPoses', 'PackViews', 'ProjectPoses',
           'ProjectViews', 'ResampleFrames', 'RotatePoses', 'ScaleBones', 'ScalePoses',
           'ScaleToBoneLength', 'ShiftImages']
