"""Readers: a published file format in, `SkeletonClip`s out, nothing else."""
from .archive import Archive, from_clips, read_archive, write_archive
from .clip import SkeletonClip, at_fps, take_every, to_layout, to_y_up

__all__ = [
    'Archive', 'SkeletonClip', 'at_fps', 'from_clips', 'read_archive', 'take_every', 'to_layout',
    'to_y_up', 'write_archive',
]
