from .action_dataset import ActionDataset
from .ape_dataset import ApeDataset
from .array_dataset import ArrayDataset, BatchCompose, identity_collate
from .image_dataset import ImageMomentDataset, ImageSequenceDataset
from .multiview_dataset import MocapViewDataset, MultiviewClipDataset, SyntheticViewDataset
from .pose_dataset import PoseDataset, SyntheticPoseDataset
from .rendered_dataset import RenderedMomentDataset, RenderedSequenceDataset
from .view_pose_dataset import ViewPoseDataset

__all__ = ['ActionDataset', 'ApeDataset', 'ArrayDataset', 'BatchCompose', 'ImageMomentDataset',
           'ImageSequenceDataset', 'MocapViewDataset', 'MultiviewClipDataset', 'PoseDataset',
           'RenderedMomentDataset', 'RenderedSequenceDataset', 'SyntheticPoseDataset',
           'SyntheticViewDataset', 'ViewPoseDataset', 'identity_collate']
