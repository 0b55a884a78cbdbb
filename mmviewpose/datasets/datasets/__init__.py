from .action_dataset import ActionDataset
from .ape_dataset import ApeDataset
from .array_dataset import ArrayDataset, BatchCompose, identity_collate
from .pose_dataset import PoseDataset, SyntheticPoseDataset

__all__ = ['ActionDataset', 'ApeDataset', 'ArrayDataset', 'BatchCompose', 'PoseDataset',
           'SyntheticPoseDataset', 'identity_collate']
