from .action_dataset import ActionDataset
from .ape_dataset import ApeDataset
from .array_dataset import ArrayDataset, BatchCompose, identity_collate
from .multiview_dataset import MocapViewDataset, MultiviewClipDataset, SyntheticViewDataset
from .pose_dataset import PoseDataset, SyntheticPoseDataset
from .view_pose_dataset import ViewPoseDataset

__all__ = ['ActionDataset', 'ApeDataset', 'ArrayDataset', 'BatchCompose', 'MocapViewDataset',
           'MultiviewClipDataset', 'PoseDataset', 'SyntheticPoseDataset', 'SyntheticViewDataset',
           'ViewPoseDataset', 'identity_collate']
