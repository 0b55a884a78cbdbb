"""People by number: who performs a clip, and the bones that go with the number."""
from dataclasses import replace

import numpy as np
import torch

from mmviewpose.datasets.bone_scaling import BoneScaling
from mmviewpose.datasets.formats.archive import Archive
from mmviewpose.rendering.people import uniform

OWN = 1000
# so that bones are drawn from other numbers than looks, whose seed is the subject itself
_BONES = 1 << 32


def subjects_of(archive: Archive, rows: np.ndarray) -> np.ndarray:
    """Numbers of the people who perform clips ``(R,)``: the label ``subject`` where the archive has
    whole numbers there; otherwise clip n of the archive is by a person of its own, ``OWN + n``."""
    labelled = archive.labels.get('subject')
    if labelled is not None and labelled.dtype.kind in 'iu':
        return labelled[rows].astype(np.int64)
    return OWN + rows.astype(np.int64)


def with_bones(archive: Archive, rows: np.ndarray, subjects: np.ndarray, bones: float,
               size: float) -> Archive:
    """The archive with some clips performed by bodies of other bone lengths.

    The factors follow from the subject's number alone; left and right share theirs. In each frame
    the lowest joint stays at its height and the root over its place.

    Args:
        archive: Clips, y up.
        rows: Numbers of the clips that change, ascending, ``(R,)``.
        subjects: Number of the person in each, ``(R,)``.
        bones: Largest change of a bone's length, as a share of it.
        size: Largest change of the whole body.
    """
    scaling = BoneScaling(archive.layout)
    drawn = 2 * uniform(torch.as_tensor(subjects) + _BONES, 1 + scaling.num_factors) - 1
    factors = ((1 + size * drawn[:, :1]) * (1 + bones * drawn[:, 1:])).float()
    row = np.full(len(archive), -1)
    row[rows] = np.arange(len(rows))
    row = np.repeat(row, archive.lengths)
    changed = row >= 0
    poses = torch.as_tensor(archive.positions[changed])
    scaled = scaling(poses, factors[torch.as_tensor(row[changed])])
    scaled[..., 1] += (poses[..., 1].amin(1) - scaled[..., 1].amin(1))[:, None]
    positions = archive.positions.copy()
    positions[changed] = scaled.numpy()
    return replace(archive, positions=positions)
