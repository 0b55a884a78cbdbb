from .action_dataset import ActionDataset
from .ape_dataset import ApeDataset
from .array_dataset import ArrayDataset, BatchCompose, identity_collate
from .image_dataset import ImageMomentDataset, ImageSequenceDataset
from .image_pose_dataset import ImagePoseDataset
from .moment_pose_dataset import MomentPoseDataset
from .multiview_dataset import MocapViewDataset, MultiviewClipDataset, SyntheticViewDataset
from .pose_dataset import PoseDataset, SyntheticPoseDataset
from .rendered_dataset import RenderedMomentDataset, RenderedSequenceDataset
from .rendered_pose_dataset import RenderedPoseDataset
from .view_pose_dataset import ViewPoseDataset

__all__ = ['ActionDataset', 'ApeDataset', 'ArrayDataset', 'BatchCompose', 'ImageMomentDataset',
           'ImagePoseDataset', 'ImageSequenceDataset', 'MocapViewDataset', 'MomentPoseDataset',
           'MultiviewClipDataset', 'PoseDataset', 'RenderedMomentDataset', 'RenderedPoseDataset',
           'RenderedSequenceDataset', 'SyntheticPoseDataset', 'SyntheticViewDataset',
           'ViewPoseDataset', 'identity_collate']
