from dataclasses import replace

import numpy as np
import pytest
import torch

from mmviewpose.datasets.formats.archive import from_clips
from mmviewpose.datasets.persons import subjects_of, with_bones
from mmviewpose.datasets.synthetic import synthetic_clips
from mmviewpose.functional import bone_lengths
from mmviewpose.skeletons import get_skeleton

APE = get_skeleton('ape17')


@pytest.fixture(scope='module')
def archive():
    """One body in all clips, so that what differs is what was changed."""
    return from_clips(synthetic_clips(6, num_frames=5, seed=2, num_people=1))


def factors(archive, changed):
    """Of the bones, ``(clips, bones)``; the same in all frames of a clip."""
    before, after = (bone_lengths(torch.as_tensor(part.positions), APE.bones).double()
                     for part in (archive, changed))
    found = (after / before).unflatten(0, (len(archive), -1))
    assert (found - found[:, :1]).abs().max() < 1e-4
    return found[:, 0]


def test_bones_follow_from_the_number_alone(archive):
    rows = np.array([0, 2, 3, 5])
    changed = with_bones(archive, rows, np.array([1, 2, 1, 9]), bones=.1, size=.08)
    found = factors(archive, changed)
    assert (found[[1, 4]] == 1).all(), 'clips that nobody named stay'
    torch.testing.assert_close(found[0], found[3], atol=1e-4, rtol=0)
    assert (found[0] - found[2]).abs().max() > .02 and (found[2] - found[5]).abs().max() > .02
    left, right = torch.tensor(APE.symmetric_bones).T
    torch.testing.assert_close(found[:, left], found[:, right], atol=1e-4, rtol=0)
    alone = with_bones(archive, np.array([4]), np.array([9]), bones=.1, size=.08)
    torch.testing.assert_close(factors(archive, alone)[4], found[5], atol=1e-4, rtol=0)
    assert archive.positions.dtype == changed.positions.dtype == np.float32
    assert changed.labels is archive.labels


def test_the_changes_are_within_their_limits(archive):
    many = replace(archive, positions=np.tile(archive.positions, (50, 1, 1)), lengths=np.full(
        300, 5), names=np.arange(300).astype(str), valid=np.tile(archive.valid, 50))
    rows = np.arange(300)
    for bones, size in ((.1, 0.), (0., .08), (.1, .08)):
        found = factors(many, with_bones(many, rows, rows, bones, size))
        most = (1 + bones) * (1 + size)
        assert 1.02 < found.max() <= most + 1e-4
        assert (1 - bones) * (1 - size) - 1e-4 <= found.min() < .98
        spread = found.std(1).max()
        assert spread > .03 if bones else spread < 1e-4


def test_feet_stay_on_the_ground_and_the_root_over_its_place(archive):
    changed = with_bones(archive, np.arange(6), np.arange(6), bones=.2, size=.2)
    before, after = archive.positions, changed.positions
    np.testing.assert_allclose(after[..., 1].min(1), before[..., 1].min(1), atol=1e-3)
    np.testing.assert_allclose(after[:, 0, [0, 2]], before[:, 0, [0, 2]], atol=1e-3)
    child, parent = np.array(APE.bones).T
    bones = [(part[:, child] - part[:, parent]) for part in (before, after)]
    cosine = (bones[0] * bones[1]).sum(-1) / np.prod([np.linalg.norm(b, axis=-1) for b in bones],
                                                     axis=0)
    assert cosine.min() > 1 - 1e-5


def test_who_performs(archive):
    assert subjects_of(archive, np.array([4, 1])).tolist() == [1004, 1001]
    numbered = replace(archive, labels=dict(subject=np.arange(6) // 2))
    assert subjects_of(numbered, np.array([4, 1])).tolist() == [2, 0]
    named = replace(archive, labels=dict(subject=np.array(list('abcdef'))))
    assert subjects_of(named, np.array([4])).tolist() == [1004]
