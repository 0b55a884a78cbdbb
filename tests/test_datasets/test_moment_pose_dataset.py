import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from mmviewpose.datasets import ArrayBatchSampler, MomentPoseDataset, identity_collate
from mmviewpose.datasets.datasets.moment_pose_dataset import Shots
from mmviewpose.errors import DatasetError

# clip: subject, frames; cameras are 2, 5 and 7, which lacks the last frame of each clip
CLIPS = {0: (1, range(0, 40, 2)), 1: (3, range(10, 20)), 2: (1, range(3, 8))}
VIEWS = (2, 5, 7)


def shots(clips=CLIPS, views=VIEWS):
    """Images in random order; x of the first joint but the root tells the moment."""
    rows = [(clip, frame, view, subject) for clip, (subject, frames) in clips.items()
            for frame in frames for view in views if (view, frame) != (7, frames[-1])]
    rows = np.array(rows)[np.random.default_rng(0).permutation(len(rows))]
    clip, frame, view, subject = rows.T
    pose = np.random.default_rng(1).normal(scale=200, size=(len(rows), 17, 3)).astype(np.float32)
    pose[:, 1, 0] = pose[:, 0, 0] + 1000 * clip + frame
    return Shots(pose, clip, frame, view, subject, dict(action=clip + 20))


def read(numbers):
    """Images that tell their number."""
    return (torch.as_tensor(numbers)[:, None, None, None] + torch.zeros(3, 2, 2)).byte()


def made(shots_=None, **options):
    return MomentPoseDataset(read, shots_ or shots(), 'ape17', ['a', 'b', 'c'], {}, **options)


def everything(dataset):
    return dataset.__getitems__(range(len(dataset)))


def test_a_test_has_each_image_labelled():
    given, dataset = shots(), made(training=False)
    n = len(given.clip)
    assert len(dataset) == n == dataset.num_images
    batch = everything(dataset)
    assert batch['labelled'].all() and batch['index'].tolist() == list(range(n))
    assert torch.equal(batch['images'][:, 0, 0, 0], torch.arange(n).byte())
    expected = given.pose - given.pose[:, :1]
    np.testing.assert_array_equal(batch['pose'], expected)
    for key in ('view', 'subject', 'clip'):
        assert batch[key].tolist() == getattr(given, key).tolist()
        assert batch[key].dtype is torch.int64
    assert batch['action'].tolist() == (given.clip + 20).tolist()
    assert dataset.labelled_rows.tolist() == list(range(n))
    assert dataset.metainfo == dict(skeleton='ape17', subjects=[1, 3], views=[2, 5, 7],
                                    clip_names=['a', 'b', 'c'], label_names={})


def test_an_instant_is_equal_for_its_views_and_for_nothing_else():
    given, batch = shots(), everything(made())
    by_instant = {}
    for row, instant in enumerate(batch['instant'][:len(given.clip)].tolist()):
        by_instant.setdefault(instant, set()).add((given.clip[row], given.frame[row]))
    assert all(len(places) == 1 for places in by_instant.values())
    places = [place for found in by_instant.values() for place in found]
    assert len(places) == len(set(places)) == 35
    assert sorted(by_instant) == list(range(35))
    moments = made().moments
    assert [*zip(moments.clip.tolist(), moments.frame.tolist())] == sorted(places)
    assert moments.subject.tolist() == [CLIPS[clip][0] for clip in moments.clip.tolist()]


def test_views_of_each_moment():
    given, dataset = shots(), made()
    groups = dataset.view_groups()
    assert groups.shape == (35, 3) and dataset.view_names == ['2', '5', '7']
    seen = groups[groups >= 0]
    assert sorted(seen.tolist()) == list(range(len(given.clip))), 'labelled rows are not views'
    for moment, row in enumerate(groups.tolist()):
        for view, image in zip(VIEWS, row):
            if image < 0:
                assert view == 7 and given.frame[row[0]] in (38, 19, 7)
                continue
            assert given.view[image] == view
            assert given.clip[image] == dataset.moments.clip[moment]
            assert given.frame[image] == dataset.moments.frame[moment]


def test_training_rows_are_images_and_then_labelled_ones():
    given, dataset = shots(), made(labels=dict(subjects=[3], views=[5, 2]))
    n = len(given.clip)
    expected = np.flatnonzero((given.subject == 3) & (given.view < 7))
    assert len(expected) == 20 and len(dataset) == n + 20
    batch = everything(dataset)
    assert batch['labelled'].tolist() == [False] * n + [True] * 20
    assert not batch['pose'][:n].any(), 'nothing leaks'
    np.testing.assert_array_equal(batch['pose'][n:], (given.pose - given.pose[:, :1])[expected])
    numbers = np.concatenate([np.arange(n), expected])
    assert batch['images'][:, 0, 0, 0].tolist() == numbers.tolist()
    for key in ('view', 'subject', 'clip', 'action', 'instant'):
        assert torch.equal(batch[key][n:], batch[key][expected])
    assert dataset.labelled_rows.tolist() == list(range(n, n + 20))
    assert len(made()) == 2 * n and len(made(labels=dict(subjects=[]))) == n


@pytest.mark.parametrize('rules, moments', [
    (dict(), range(35)), (dict(every=1), range(35)), (dict(share=1.), range(35)),
    (dict(every=10), [0, 10, 20, 30]), (dict(share=.05), [8, 26]),
    (dict(subjects=[3], every=4), [20, 24, 28]), (dict(subjects=[3], share=.2), [22, 27]),
    # subject 1's are moments 0 to 19 and 30 to 34
    (dict(subjects=[1], every=12), [0, 12, 34]),
    (dict(subjects=[1], share=.16), [3, 9, 15, 31]),  # 3.125, 9.375, 15.625, 21.875
    (dict(subjects=[3], share=1e-9), [25]),
    (dict(subjects=[3, 1], every=10), [0, 10, 20, 30]),
    (dict(views=[7], every=10), [0, 10, 21, 32])])  # which three moments lack
def test_the_labelled_subset(rules, moments):
    batch = everything(made(labels=rules))
    found = batch['instant'][batch['labelled']].unique().tolist()
    assert found == list(moments)
    views = rules.get('views', VIEWS)
    count = sum((instant not in (19, 29, 34)) if view == 7 else True
                for instant in found for view in views)
    assert batch['labelled'].sum() == count, 'all views of these moments'


@pytest.mark.parametrize('rules, message', [
    (dict(subject=[1]), 'labels have no subject; they take subjects, views, every, share'),
    (dict(subjects=[1, 2]), r'labels: subjects has 2, there are \[1, 3\]'),
    (dict(views=[1]), r'labels: views has 1, there are \[2, 5, 7\]'),
    (dict(every=2, share=.5), 'every or share, not both'),
    (dict(every=0), 'every must be at least 1, got 0'),
    (dict(share=0.), 'share must be above 0 and at most 1, got 0'),
    (dict(share=1.5), 'share must be above 0')])
def test_labels_that_cannot_be(rules, message):
    with pytest.raises(DatasetError, match=message):
        made(labels=rules)


def test_what_else_cannot_be():
    with pytest.raises(DatasetError, match='labels are for training'):
        made(labels=dict(subjects=[1]), training=False)
    with pytest.raises(DatasetError, match='layout mpi_inf_3dhp17 has its root not first'):
        MomentPoseDataset(read, shots(), 'mpi_inf_3dhp17', [], {})
    with pytest.raises(DatasetError, match='no statistics'):
        made(labels=dict(subjects=[])).pose_statistics()


def halve(batch):
    """Poses; and it wants to see colour images."""
    assert batch['images'].dtype == torch.uint8 and batch['images'].shape[1] == 3
    batch['pose'] = batch['pose'] / 2
    return batch


def test_statistics_are_of_labelled_poses_as_the_pipeline_makes_them():
    given, labels = shots(), dict(subjects=[3], views=[5])
    chosen = (given.subject == 3) & (given.view == 5)
    poses = (given.pose - given.pose[:, :1])[chosen].astype(np.float64)
    pack = dict(type='PackPoseImages')
    for options, factor in ((dict(), 1), (dict(pipeline=[pack]), 1), (dict(pipeline=[halve]), 2),
                            (dict(pipeline=[halve, halve, pack]), 4)):
        mean, std = made(labels=labels, **options).pose_statistics()
        assert mean.shape == std.shape == (17, 3) and mean.dtype == std.dtype == torch.float32
        np.testing.assert_allclose(mean, poses.mean(0) / factor, rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(std, poses.std(0) / factor, rtol=1e-5, atol=1e-4)


def test_prepared_poses():
    """What is the same at each fetch can be done once, before the statistics."""

    def double(batch):
        batch['pose'] = 2 * batch['pose']
        return batch

    dataset, plain = made(prepare=[double]), made()
    assert torch.equal(everything(dataset)['pose'], 2 * everything(plain)['pose'])
    assert torch.equal(dataset.pose_statistics()[0], 2 * plain.pose_statistics()[0])


def test_packed_batches_of_a_loader():
    dataset = made(pipeline=[dict(type='PackPoseImages')])
    order = torch.utils.data.SequentialSampler(dataset)
    loader = DataLoader(dataset, collate_fn=identity_collate,
                        batch_sampler=ArrayBatchSampler(order, 50))
    seen = 0
    for batch in loader:
        assert set(batch) == {'inputs', 'data_samples'}
        assert batch['inputs'].dtype == torch.uint8 and batch['inputs'].dim() == 4
        samples = batch['data_samples']
        assert set(samples) == {'pose', 'labelled', 'instant', 'view', 'subject', 'clip', 'index',
                                'action'}
        assert not samples['pose'][~samples['labelled']].any()
        assert {len(value) for value in samples.values()} == {len(batch['inputs'])}
        seen += len(batch['inputs'])
    assert seen == len(dataset)
