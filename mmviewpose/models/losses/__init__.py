"""Registered losses: each holds its weights and calls a function of ``functional``."""
from .bone_length_loss import BoneLengthLoss
from .feature_consistency_loss import FeatureConsistencyLoss
from .joint_position_loss import JointPositionLoss
from .limb_symmetry_loss import LimbSymmetryLoss
from .orthogonality_loss import OrthogonalityLoss

__all__ = [
    'BoneLengthLoss', 'FeatureConsistencyLoss', 'JointPositionLoss', 'LimbSymmetryLoss',
    'OrthogonalityLoss',
]
