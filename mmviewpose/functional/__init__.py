"""Losses and errors as pure functions on tensors."""
from .disentanglement import feature_consistency_loss, orthogonality_loss, swap_branches
from .pose_errors import mpjpe
from .reconstruction import joint_position_loss
from .skeleton_terms import bone_length_loss, bone_lengths, limb_symmetry_loss

__all__ = [
    'bone_length_loss', 'bone_lengths', 'feature_consistency_loss', 'joint_position_loss',
    'limb_symmetry_loss', 'mpjpe', 'orthogonality_loss', 'swap_branches',
]
