import numpy as np
import pytest
import torch

from mmviewpose.datasets import ActionDataset
from mmviewpose.datasets.formats import SkeletonClip, write_archive
from mmviewpose.datasets.transforms import PackActions, ResampleFrames, ScaleToBoneLength
from mmviewpose.errors import DatasetError
from mmviewpose.functional.skeleton_terms import bone_lengths
from mmviewpose.skeletons import get_skeleton


def clip(name, frames=10, place=0., valid=None, **labels):
    """A person who moves along x by 10 mm a frame."""
    rng = np.random.default_rng(sum(map(ord, name)))
    positions = np.repeat(rng.normal(scale=300, size=(1, 17, 3)), frames, 0)
    positions[..., 0] += place + 10 * np.arange(frames)[:, None]
    return SkeletonClip(positions, 'ape17', '+y', 30., name, labels, valid)


@pytest.fixture
def nucla(tmp_path):
    clips = [clip(f'a{a}_v{v}', 6 + a, action=a, view=v, subject=1, word='x')
             for a in (2, 4, 9) for v in (1, 2, 3)]
    write_archive(tmp_path / 'nucla.npz', clips)
    return tmp_path


@pytest.fixture
def ntu(tmp_path):
    """Recording r0 has two bodies, r1 one, r2 three; out of order in the file."""
    clips = [clip('r0_1', place=1e3, body=1, action=5, camera=1),
             clip('r0_0', body=0, action=5, camera=1),
             clip('r2_0', body=0, action=7, camera=2), clip('r2_2', body=2, action=7, camera=2),
             clip('r1_0', body=0, action=7, camera=1), clip('r2_1', body=1, action=7, camera=2)]
    write_archive(tmp_path / 'ntu.npz', clips)
    return tmp_path


def test_one_person(nucla):
    dataset = ActionDataset('nucla.npz', str(nucla), select=dict(view=[1, 2]), num_frames=5)
    arrays = dataset.arrays
    assert arrays['keypoints'].shape == (6, 5, 17, 3)
    assert arrays['label'].tolist() == [0, 0, 1, 1, 2, 2]
    assert arrays['view'].tolist() == [1, 2] * 3
    assert 'word' not in arrays
    assert dataset.metainfo['classes'] == [2, 4, 9]
    steps = arrays['keypoints'][:, :, 0, 0].diff()
    torch.testing.assert_close(steps[0], torch.full((4,), 10 * 7 / 4))


def test_classes_are_those_of_the_whole_archive(nucla):
    dataset = ActionDataset('nucla.npz', str(nucla), select=dict(action=[9]))
    assert set(dataset.arrays['label'].tolist()) == {2}


def test_copies_repeat_the_list(nucla):
    arrays = ActionDataset('nucla.npz', str(nucla), num_frames=4, copies=3).arrays
    assert len(arrays['label']) == 27
    assert torch.equal(arrays['keypoints'][:9], arrays['keypoints'][18:])


def test_masked_frames_are_interpolated(tmp_path):
    valid = np.array([False, True, True, False, True, False])
    broken = clip('a', 6, valid=valid, action=1)
    broken.positions[~valid] = 1e6
    write_archive(tmp_path / 'a.npz', [broken])
    poses = ActionDataset('a.npz', str(tmp_path), num_frames=4).arrays['keypoints'][0]
    torch.testing.assert_close(poses[:, 0, 0] - poses[0, 0, 0], torch.tensor([0., 10., 20., 30.]))


def test_bodies_of_a_recording_become_one_sample(ntu):
    arrays = ActionDataset('ntu.npz', str(ntu), num_frames=10, num_people=2).arrays
    assert arrays['keypoints'].shape == (3, 2, 10, 17, 3)
    assert arrays['label'].tolist() == [0, 1, 1]
    assert arrays['camera'].tolist() == [1, 1, 2]
    expected = [('r0_0', 'r0_1'), ('r1_0', None), ('r2_0', 'r2_1')]
    for people, names in zip(arrays['keypoints'], expected):
        for person, name in zip(people, names):
            place = 1e3 if name == 'r0_1' else 0.
            want = np.zeros((10, 17, 3)) if name is None else clip(name, place=place).positions
            np.testing.assert_allclose(person, want, rtol=1e-5, atol=1e-3)


def test_the_main_actor_alone(ntu):
    arrays = ActionDataset('ntu.npz', str(ntu), num_frames=10).arrays
    assert arrays['keypoints'].shape == (3, 10, 17, 3)
    np.testing.assert_allclose(arrays['keypoints'][0], clip('r0_0').positions, rtol=1e-5, atol=1e-3)
    assert arrays['body'].tolist() == [0, 0, 0]


def test_archives_of_main_actors_only_go_with_two_people(nucla):
    arrays = ActionDataset('nucla.npz', str(nucla), num_frames=4, num_people=2).arrays
    assert arrays['keypoints'].shape == (9, 2, 4, 17, 3)
    assert arrays['keypoints'][:, 1].abs().max() == 0
    assert arrays['keypoints'][:, 0].abs().amax((1, 2, 3)).min() > 0


def test_people_of_one_recording_share_the_moments(tmp_path):
    late = np.arange(10) >= 6
    clips = [clip('r_0', body=0, action=1), clip('r_1', valid=late, body=1, action=1)]
    write_archive(tmp_path / 'a.npz', clips)
    people = ActionDataset('a.npz', str(tmp_path), num_frames=10, num_people=2).arrays['keypoints']
    steps = people[0, 1, :, 0, 0].diff()
    torch.testing.assert_close(steps, torch.tensor([0.] * 6 + [10.] * 3), rtol=0, atol=1e-3)


@pytest.mark.parametrize('wrong, words', [
    (dict(select=dict(setup=[1])), "no label 'setup'"), (dict(select=dict(view=[8])), 'left'),
    (dict(ann_file='other.npz'), 'not found'), (dict(skeleton='coco17'), 'ape17')])
def test_what_cannot_be_used_is_refused(nucla, wrong, words):
    with pytest.raises(DatasetError, match=words):
        ActionDataset(**{**dict(ann_file='nucla.npz', data_root=str(nucla)), **wrong})


# Transforms of sequences


@pytest.mark.parametrize('shape', [(5,), (5, 2)])
def test_sequences_of_people_are_scaled_one_by_one(shape):
    poses = 300 * torch.randn(*shape, 7, 17, 3)
    poses[(2, 1)[:len(shape)]] = 0  # nobody
    out = ScaleToBoneLength(total=3900.)(dict(keypoints=poses.clone()))['keypoints']
    length = bone_lengths(out, get_skeleton('ape17').bones).sum(-1).median(-1).values
    there = poses.flatten(len(shape)).abs().sum(-1) > 0
    torch.testing.assert_close(length[there], torch.full_like(length[there], 3900.))
    assert out.isfinite().all() and out[~there].abs().sum() == 0


@pytest.mark.parametrize('crop', [None, (0.5, 0.9)])
def test_people_are_resampled_like_one_person(crop):
    people = torch.randn(4, 2, 9, 17, 3)
    resample = ResampleFrames(6, crop)
    torch.manual_seed(0)
    out = resample(dict(keypoints=people))['keypoints']
    assert out.shape == (4, 2, 6, 17, 3)
    for person in range(2):
        torch.manual_seed(0)
        alone = resample(dict(keypoints=people[:, person]))['keypoints']
        assert torch.equal(out[:, person], alone)
    if crop is None:
        assert torch.equal(out[:, :, [0, -1]], people[:, :, [0, -1]])


@pytest.mark.parametrize('people', [(), (2,)])
def test_packed_for_mmaction2(people):
    batch = dict(keypoints=torch.zeros(3, *people, 5, 17, 3), label=torch.arange(3),
                 index=torch.arange(3), subject=torch.ones(3))
    packed = PackActions()(batch)
    assert packed['inputs'].shape == (3, 1, *(people or (1,)), 5, 17, 3)
    assert set(packed['data_samples']) == {'label', 'index', 'subject'}
