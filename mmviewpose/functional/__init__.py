"""Losses and errors as pure functions on tensors."""
from .adversarial import least_squares_critic_loss, least_squares_generator_loss
from .consistency import multiview_consistency
from .cross_rank import gather_rows
from .depth_sign import bend_evidence
from .disentanglement import feature_consistency_loss, orthogonality_loss
from .erasure import Erasure, linear_erasure
from .hardnet import hardnet_loss
from .lifting_cycles import lifting_cycle, quarter_turn_loss, reprojection_cycle_loss
from .lifting_terms import reprojection_loss, scale_loss, velocity_loss
from .linear_probe import linear_probe_accuracy
from .pose_errors import auc, mpjpe, n_mpjpe, pa_mpjpe, pck3d, velocity_error
from .reconstruction import joint_position_loss
from .retrieval import (cross_view_retrieval, distance_by_pose, hit_at, mean_at, nearest, oracle,
                        pa_mpjpe_of, random_candidates)
from .sensitivity import KeypointSensitivity, keypoint_sensitivity
from .skeleton_terms import bone_length_loss, bone_lengths, limb_symmetry_loss
from .view_images import (equivariance_loss, swap_views, view_bias_loss,
                          view_reconstruction_loss)

__all__ = [
    'Erasure', 'KeypointSensitivity', 'auc', 'bend_evidence', 'bone_length_loss', 'bone_lengths',
    'cross_view_retrieval', 'distance_by_pose', 'equivariance_loss', 'feature_consistency_loss',
    'gather_rows', 'hardnet_loss', 'hit_at', 'joint_position_loss', 'keypoint_sensitivity',
    'least_squares_critic_loss', 'least_squares_generator_loss', 'lifting_cycle',
    'limb_symmetry_loss', 'linear_erasure', 'linear_probe_accuracy', 'mean_at', 'mpjpe',
    'multiview_consistency', 'n_mpjpe', 'nearest', 'oracle', 'orthogonality_loss', 'pa_mpjpe',
    'pa_mpjpe_of', 'pck3d', 'quarter_turn_loss', 'random_candidates', 'reprojection_cycle_loss',
    'reprojection_loss', 'scale_loss', 'swap_views', 'velocity_error', 'velocity_loss',
    'view_bias_loss', 'view_reconstruction_loss',
]
