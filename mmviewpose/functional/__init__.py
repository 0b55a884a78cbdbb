"""Losses and errors as pure functions on tensors."""
from .consistency import multiview_consistency
from .disentanglement import feature_consistency_loss, orthogonality_loss
from .lifting_terms import reprojection_loss, scale_loss, velocity_loss
from .pose_errors import auc, mpjpe, n_mpjpe, pa_mpjpe, pck3d, velocity_error
from .reconstruction import joint_position_loss
from .skeleton_terms import bone_length_loss, bone_lengths, limb_symmetry_loss

__all__ = [
    'auc', 'bone_length_loss', 'bone_lengths', 'feature_consistency_loss', 'joint_position_loss',
    'limb_symmetry_loss', 'mpjpe', 'multiview_consistency', 'n_mpjpe', 'orthogonality_loss',
    'pa_mpjpe', 'pck3d', 'reprojection_loss', 'scale_loss', 'velocity_error', 'velocity_loss',
]
