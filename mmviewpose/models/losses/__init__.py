"""Registered losses: each holds its weights and calls a function of ``functional``."""
from .bone_length_loss import BoneLengthLoss
from .equivariance_loss import EquivarianceLoss
from .feature_consistency_loss import FeatureConsistencyLoss
from .hardnet_loss import HardnetLoss
from .joint_position_loss import JointPositionLoss
from .least_squares_adversarial_loss import LeastSquaresAdversarialLoss
from .limb_symmetry_loss import LimbSymmetryLoss
from .multiview_consistency_loss import MultiviewConsistencyLoss
from .orthogonality_loss import OrthogonalityLoss
from .quarter_turn_loss import QuarterTurnLoss
from .reprojection_cycle_loss import ReprojectionCycleLoss
from .reprojection_loss import ReprojectionLoss
from .scale_loss import ScaleLoss
from .sum_loss import SumLoss
from .velocity_loss import VelocityLoss
from .view_bias_loss import ViewBiasLoss
from .view_reconstruction_loss import ViewReconstructionLoss

__all__ = [
    'BoneLengthLoss', 'EquivarianceLoss', 'FeatureConsistencyLoss', 'HardnetLoss',
    'JointPositionLoss', 'LeastSquaresAdversarialLoss', 'LimbSymmetryLoss',
    'MultiviewConsistencyLoss', 'OrthogonalityLoss', 'QuarterTurnLoss', 'ReprojectionCycleLoss',
    'ReprojectionLoss', 'ScaleLoss', 'SumLoss', 'VelocityLoss', 'ViewBiasLoss',
    'ViewReconstructionLoss',
]
