"""Rotations, alignment and cameras on tensors."""
from .alignment import SimilarityTransform, align, aligned_distances, similarity_transform
from .camera import camera_to_world, project, project_orthographic, world_to_camera
from .canonical_pose import canonical_angle, canonical_pose
from .rotation import (axis_angle_to_matrix, euler_to_matrix, quaternion_to_matrix,
                       random_rotations, rotate)
from .view_transform import pose_in_view
from .view_turn import raise_points, see, turn_view, turn_view_back

__all__ = [
    'SimilarityTransform', 'align', 'aligned_distances', 'axis_angle_to_matrix',
    'camera_to_world', 'canonical_angle', 'canonical_pose', 'euler_to_matrix', 'pose_in_view',
    'project', 'project_orthographic', 'quaternion_to_matrix', 'raise_points', 'random_rotations',
    'rotate', 'see', 'similarity_transform', 'turn_view', 'turn_view_back', 'world_to_camera',
]
