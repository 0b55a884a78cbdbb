from .buffered_logging import (BufferedIterTimerHook, BufferedRuntimeInfoHook,
                               IntervalLoggerHook)
from .curves_hook import TrainingCurvesHook
from .denoising_picture_hook import DenoisingPictureHook
from .erase_views_hook import EraseViewsHook
from .lifted_poses_hook import LiftedPosesHook
from .lifting_picture_hook import LiftingPictureHook
from .loss_weight_hook import LossWeightHook
from .pose_images_hook import PoseImagesHook
from .pose_statistics_hook import PoseStatisticsHook
from .view_pictures_hook import ViewPicturesHook

__all__ = ['BufferedIterTimerHook', 'BufferedRuntimeInfoHook', 'IntervalLoggerHook',
           'DenoisingPictureHook', 'EraseViewsHook', 'LiftedPosesHook', 'LiftingPictureHook',
           'LossWeightHook', 'PoseImagesHook', 'PoseStatisticsHook', 'TrainingCurvesHook',
           'ViewPicturesHook']
