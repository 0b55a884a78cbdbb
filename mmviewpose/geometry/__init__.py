"""Rotations, alignment and cameras on tensors."""
from .alignment import SimilarityTransform, align, aligned_distances, similarity_transform
from .camera import camera_to_world, project, project_orthographic, world_to_camera
from .rotation import axis_angle_to_matrix, quaternion_to_matrix, random_rotations, rotate

__all__ = [
    'SimilarityTransform', 'align', 'aligned_distances', 'axis_angle_to_matrix',
    'camera_to_world', 'project', 'project_orthographic', 'quaternion_to_matrix',
    'random_rotations', 'rotate', 'similarity_transform', 'world_to_camera',
]
