"""Poses as a camera sees them, at a distance that may be wrong: what a monocular lifter can know.

Image points become places on the plane at a nominal distance D in front of the camera; a joint's
depth is given relative to the root's, in the same scale. The true pose is that one times the root's
true distance over D. Axes are the camera's: x right, y down, z forward.
"""
import torch
from torch import Tensor


NOMINAL_FOCAL = 1.15    # over the image's longer side


def known_or_nominal(intrinsics: Tensor, image_size: Tensor, focal: float = NOMINAL_FOCAL
                     ) -> Tensor:
    """Intrinsics, with nominal ones of a camera that looks at the middle of its image where they
    are not finite.

    Args:
        intrinsics: fx, fy, cx, cy, ``(B, 4)`` px.
        image_size: Width and height, ``(B, 2)`` px.
        focal: Nominal focal length over the longer side.

    Returns:
        ``(B, 4)`` px.
    """
    length = (focal * image_size.amax(-1, keepdim=True)).expand_as(image_size)
    nominal = torch.cat([length, image_size / 2], -1)
    return torch.where(intrinsics.isfinite().all(-1, keepdim=True), intrinsics, nominal)


def image_to_plane(points: Tensor, intrinsics: Tensor, distance: float) -> Tensor:
    """Image points to places on the plane at ``distance``.

    Args:
        points: ``(B, ..., 2)`` px.
        intrinsics: fx, fy, cx, cy, ``(B, 4)`` px.
        distance: D, any unit; the result has it.
    """
    shape = (-1, *[1] * (points.dim() - 2), 2)
    focal, principal = intrinsics[:, :2].reshape(shape), intrinsics[:, 2:].reshape(shape)
    return (points - principal) / focal * distance


def plane_to_pose(points: Tensor, distance: float, root: int = 0) -> Tensor:
    """Places on the plane and depths to a pose about its root.

    Args:
        points: ``(..., K, 3)``: x, y on the plane at ``distance`` and the depth relative to
            anything, in the same unit.
        distance: D.
        root: Root joint; its depth is the distance.

    Returns:
        ``(..., K, 3)`` in that unit, the root at the origin.
    """
    depth = points[..., 2:] - points[..., root:root + 1, 2:]
    pose = torch.cat([points[..., :2] * (1 + depth / distance), depth], -1)
    return pose - pose[..., root:root + 1, :]


def pose_to_plane(pose: Tensor, distance: float, root: int = 0) -> Tensor:
    """The inverse of :func:`plane_to_pose`: a pose where it stands to points and relative depths.

    Args:
        pose: In the camera's axes, ``(..., K, 3)``, all in front of the camera, any unit.
        distance: D.
        root: Root joint.

    Returns:
        ``(..., K, 3)`` in the unit of ``distance``.
    """
    place = pose[..., :2] / pose[..., 2:] * distance
    depth = (pose[..., 2:] / pose[..., root:root + 1, 2:] - 1) * distance
    return torch.cat([place, depth], -1)
