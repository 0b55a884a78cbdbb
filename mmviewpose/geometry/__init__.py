"""Rotations, alignment and cameras on tensors."""
from .rotation import axis_angle_to_matrix, quaternion_to_matrix, random_rotations, rotate

__all__ = ['axis_angle_to_matrix', 'quaternion_to_matrix', 'random_rotations', 'rotate']
