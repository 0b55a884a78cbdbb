import itertools
from collections import Counter

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.dataset import DefaultSampler
from mmengine.runner import Runner
from torch.utils.data import ConcatDataset, RandomSampler

from mmviewpose.datasets import ArrayDataset, MomentPoseDataset, PairBatchSampler
from mmviewpose.datasets.datasets.moment_pose_dataset import Shots
from mmviewpose.errors import DatasetError, UserError

# clip: subject and frames
PLAIN = {0: (1, range(0, 100, 5)), 1: (4, range(0, 300, 5)), 2: (1, range(50, 150, 5)),
         3: (4, range(0, 40, 5)), 4: (7, range(0, 200, 5))}


def made(clips=PLAIN, views=(1, 2, 3, 4), without=(), **options):
    """Images without pictures; ``without`` are (clip, frame, view)."""
    rows = np.array([(clip, frame, view, subject) for clip, (subject, frames) in clips.items()
                     for frame in frames for view in views
                     if (clip, frame, view) not in without])
    clip, frame, view, subject = rows[np.random.default_rng(0).permutation(len(rows))].T
    shots = Shots(np.zeros((len(rows), 17, 3), np.float32), clip, frame, view, subject, {})
    return MomentPoseDataset(None, shots, 'ape17', [], {}, **options)


def sampler_of(dataset, pairs=8, regression=4, epoch=0, **options):
    sampler = DefaultSampler(dataset, seed=3)
    sampler.set_epoch(epoch)
    return PairBatchSampler(sampler, 2 * pairs + regression, pairs, regression, **options)


def batches(dataset, *args, **options):
    sampler = sampler_of(dataset, *args, **options)
    found = list(sampler)
    assert len(found) == len(sampler)
    assert all(torch.is_tensor(batch) and batch.dtype == torch.int64 for batch in found)
    return found


def facts(dataset, rows):
    """What rows show: (clip, frame), view and subject of each."""
    arrays = {key: value[rows].tolist() for key, value in dataset.arrays.items() if key != 'pose'}
    place = [(dataset.moments.clip[n].item(), dataset.moments.frame[n].item())
             for n in arrays['instant']]
    return place, arrays['view'], arrays['subject'], arrays['labelled']


def check_step(dataset, pairs_of_ranks, min_gap):
    """The rules, looked at one by one; returns the moments of a step."""
    rows = torch.cat(pairs_of_ranks)
    place, view, subject, labelled = facts(dataset, rows)
    assert not any(labelled) and len(set(subject)) == 1, 'unlabelled rows of one person'
    assert place[::2] == place[1::2], 'two images of a moment'
    assert all(first != second for first, second in zip(view[::2], view[1::2])), 'of two cameras'
    for (clip, frame), (other_clip, other) in itertools.combinations(place[::2], 2):
        assert clip != other_clip or abs(frame - other) >= max(min_gap, 1)
    return place[::2]


@pytest.mark.parametrize('min_gap', [1, 5, 6, 12, 25])
def test_a_batch_is_pairs_of_one_person_and_labelled_images(min_gap):
    dataset = made(labels=dict(subjects=[7]))
    counts, people = Counter(), set()
    for batch in batches(dataset, min_gap=min_gap):
        pairs, rest = batch[:-4], batch[-4:]
        assert len(pairs) == 16
        counts.update(check_step(dataset, [pairs], min_gap))
        people.add(facts(dataset, pairs)[2][0])
        *_, subject, labelled = facts(dataset, rest)
        assert all(labelled) and set(subject) == {7}
    assert people == {1, 4, 7}
    moments = len(dataset.moments.frame)
    assert sum(counts.values()) / moments == pytest.approx(1, abs=.1)
    once = sum(count == 1 for count in counts.values())
    assert max(counts.values()) <= 2 and once > .6 * moments, 'each moment about once'


def test_how_often_a_person_comes_follows_how_much_there_is():
    dataset = made({0: (1, range(40)), 1: (2, range(400))})
    people = [facts(dataset, batch[:1])[2][0] for batch in batches(dataset)]
    assert Counter(people) == {1: 5, 2: 50}
    runs = [len(list(run)) for _, run in itertools.groupby(people)]
    assert len(runs) > 5, 'in random order'


def test_views_are_drawn_evenly():
    dataset = made({0: (1, range(2000))})
    views = Counter()
    for batch in batches(dataset, 50, 0):
        _, view, _, _ = facts(dataset, batch)
        views.update(zip(view[::2], view[1::2]))
    assert len(views) == 12 and min(views.values()) > 110  # 2000 / 12 is 167


def test_labelled_images_come_equally_often():
    dataset = made(labels=dict(subjects=[1], views=[2]))
    found = Counter(row.item() for batch in batches(dataset) for row in batch[-4:])
    assert set(found) <= set(dataset.labelled_rows.tolist()) and len(found) == 40
    assert max(found.values()) - min(found.values()) <= 1, 'one round after the other'
    few = made(labels=dict(subjects=[1], views=[2], every=20))
    assert len(few.labelled_rows) == 2
    rest = [batch[-4:].tolist() for batch in batches(few)]
    assert all(sorted(rows) == sorted(2 * few.labelled_rows.tolist()) for rows in rest)


def test_epochs_differ_and_an_epoch_does_not():
    dataset = made()

    def drawn(**options):
        return [batch.tolist() for batch in batches(dataset, **options)]

    assert drawn(epoch=1) == drawn(epoch=1) and drawn(epoch=1) != drawn(epoch=2)
    assert len(drawn(epoch=1)) == len(drawn(epoch=2))
    together = []
    for epoch in range(3):
        moments = [frozenset(facts(dataset, batch[:-4])[0])
                   for batch in batches(dataset, epoch=epoch, min_gap=10)]
        together.append(set(moments))
    assert not together[0] & together[1] and not together[1] & together[2]
    state = torch.random.get_rng_state()
    drawn()
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize('world_size', [2, 3])
@pytest.mark.parametrize('min_gap', [1, 12])
def test_ranks(monkeypatch, world_size, min_gap):
    dataset, ranks = made(labels=dict(subjects=[4])), []
    for rank in range(world_size):
        monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda: (rank, world_size))
        ranks.append(batches(dataset, 4, 3, epoch=2, min_gap=min_gap))
    assert len({len(found) for found in ranks}) == 1
    counts, labelled = Counter(), Counter()
    for step in zip(*ranks):
        assert len({len(batch) for batch in step}) == 1
        moments = check_step(dataset, [batch[:-3] for batch in step], min_gap)
        assert len(moments) == len(set(moments)), 'no moment on two ranks'
        counts.update(moments)
        rows = torch.cat([batch[-3:] for batch in step]).tolist()
        labelled.update(rows)
    assert max(counts.values()) <= 2
    assert sum(counts.values()) / len(dataset.moments.frame) == pytest.approx(1, abs=.15)
    assert max(labelled.values()) - min(labelled[row] for row in dataset.labelled_rows.tolist()) \
        <= 1, 'ranks share the rounds'


def test_a_moment_of_one_view_is_left_out_and_one_of_two_is_there(monkeypatch):
    logged = []
    monkeypatch.setattr('mmviewpose.datasets.samplers.pair_batch_sampler.print_log',
                        lambda text, logger: logged.append(text))
    without = {(0, 10, view) for view in (1, 3, 4)} | {(2, 60, view) for view in (1, 2)}
    dataset = made(without=without)
    counts, views = Counter(), set()
    for epoch in range(3):
        for batch in batches(dataset, epoch=epoch):
            place, view, _, _ = facts(dataset, batch[:-4])
            counts.update(place)
            views |= {v for p, v in zip(place, view) if p == (2, 60)}
    assert (0, 10) not in counts and counts[2, 60] and views == {3, 4}
    assert logged == ['1 of 148 moments were seen by one camera alone, and are left out of pairs'
                      ] * 3


def test_one_view_only():
    message = r'none of 148 moments was seen by two cameras \(there are the cameras \[2\]\)'
    with pytest.raises(DatasetError, match=message):
        batches(made(views=(2, )))
    clips = {0: (1, range(10)), 1: (2, range(10))}
    apart = made(clips, (1, 2), {(0, n, 1) for n in range(10)} | {(1, n, 2) for n in range(10)})
    with pytest.raises(DatasetError, match=r'none of 20 .*\[1, 2\]'):
        batches(apart)
    assert len(batches(apart, 0, 4)) == 5, 'the regression needs no pairs'


def test_one_person_only():
    dataset = made({0: (3, range(40)), 1: (3, range(60))})
    found = batches(dataset, min_gap=3)
    assert len(found) == 12
    for batch in found:
        check_step(dataset, [batch[:-4]], 3)


def test_people_with_few_moments(monkeypatch):
    logged = []
    monkeypatch.setattr('mmviewpose.datasets.samplers.pair_batch_sampler.print_log',
                        lambda text, logger: logged.append(text))
    dataset = made({0: (1, range(100)), 1: (2, range(5)), 2: (3, [4]), 3: (5, range(7)),
                    4: (3, [90])})
    sizes = Counter()
    for batch in batches(dataset):
        check_step(dataset, [batch[:-4]], 1)
        sizes[facts(dataset, batch)[2][0], len(batch[:-4]) // 2] += 1
    assert sizes == {(1, 8): 12, (2, 5): 1, (5, 7): 1, (3, 2): 1}
    assert logged == ['of 4 people 3 have too few moments at least 1 frames apart for 8 pairs, '
                      'their batches have from 2 on; 0 are left out']
    # the frames of 2 give one moment at a time, those of 5 two, those of 3 are of two clips
    logged.clear()
    sizes = Counter()
    for batch in batches(dataset, min_gap=3):
        check_step(dataset, [batch[:-4]], 3)
        sizes[facts(dataset, batch)[2][0], len(batch[:-4]) // 2] += 1
    assert sizes == {(1, 8): 12, (5, 2): 4, (3, 2): 1}
    assert logged == ['of 4 people 2 have too few moments at least 3 frames apart for 8 pairs, '
                      'their batches have from 2 on; 1 are left out']
    with pytest.raises(DatasetError, match='nobody has two moments 100 frames apart'):
        batches(made({0: (1, range(100)), 1: (2, range(90))}), min_gap=100)


def test_people_with_fewer_moments_than_ranks_need(monkeypatch):
    dataset = made({0: (1, range(100)), 1: (2, range(7)), 2: (3, range(11))})
    monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda: (1, 4))
    found = batches(dataset, 8, 2)
    assert {facts(dataset, batch)[2][0] for batch in found} == {1, 3}
    assert sorted(len(batch) for batch in found) == [2 * 2 + 2] + [18] * 3


def test_frames_at_uneven_steps():
    rng = np.random.default_rng(0)
    clips = {n: (n % 2, np.sort(rng.choice(600, 90, replace=False)).tolist()) for n in range(6)}
    dataset = made(clips, (1, 2))
    for epoch in range(2):
        for batch in batches(dataset, 6, epoch=epoch, min_gap=20):
            check_step(dataset, [batch[:-4]], 20)


def test_regression_alone_and_pairs_alone():
    dataset = made(labels=dict(subjects=[1], every=3))
    count = len(dataset.labelled_rows)
    found = batches(dataset, 0, 5)
    assert len(found) == -(-count // 5) and {len(batch) for batch in found} == {5}
    assert set(torch.cat(found).tolist()) == set(dataset.labelled_rows.tolist())
    alone = batches(made(labels=dict(subjects=[])), 8, 0)
    assert {len(batch) for batch in alone} == {16}
    message = 'no image is labelled, but a batch has 4'
    with pytest.raises(DatasetError, match=message):
        batches(made(labels=dict(subjects=[])))
    with pytest.raises(DatasetError, match=message):
        batches(made(labels=dict(subjects=[])), 0, 4)


def test_settings_that_do_not_fit():
    dataset = made()
    with pytest.raises(UserError, match=r'batch_size \(20\) must be 2 \* pairs \+ regression, 22'):
        PairBatchSampler(DefaultSampler(dataset), 20, 8, 6)
    for wrong in ((1, 4), (-2, 4), (4, -1), (0, 0)):
        with pytest.raises(UserError, match='pairs must be 0 or at least 2'):
            sampler_of(dataset, *wrong)
    with pytest.raises(UserError, match='min_gap at least 1; got 8, 4, 0'):
        sampler_of(dataset, min_gap=0)
    with pytest.raises(UserError, match="PairBatchSampler needs sampler=dict.*RandomSampler has"):
        PairBatchSampler(RandomSampler(dataset), 20, 8, 4)
    for other in (made(training=False), ConcatDataset([dataset]), ArrayDataset(dict(a=[1]))):
        with pytest.raises(UserError, match=f'training=True; got a {type(other).__name__}'):
            sampler_of(other)


def test_the_runner_builds_it():
    loader = Runner.build_dataloader(ConfigDict(
        batch_size=2 * 5 + 3, num_workers=0, collate_fn=dict(type='mmviewpose.identity_collate'),
        sampler=dict(type='DefaultSampler', shuffle=True),
        batch_sampler=dict(type='mmviewpose.PairBatchSampler', pairs=5, regression=3, min_gap=4),
        dataset=dict(
            type='mmviewpose.RenderedPoseDataset', num_synthetic=13, synthetic_frames=8,
            film=dict(image_size=8, stride=2), labels=dict(subjects=[2]),
            pipeline=[dict(type='PackPoseImages')])), seed=0)
    found = list(loader)
    assert len(found) == len(loader) == 10 + 2  # of 48 moments and of 4, two at a time
    sizes = []
    for batch in found:
        samples = batch['data_samples']
        pairs = len(batch['inputs']) - 3
        sizes.append(pairs // 2)
        assert samples['labelled'].tolist() == [False] * pairs + [True] * 3
        assert samples['instant'][:pairs:2].tolist() == samples['instant'][1:pairs:2].tolist()
        assert (samples['view'][:pairs:2] != samples['view'][1:pairs:2]).all()
        assert not samples['pose'][:pairs].any() and samples['pose'][pairs:].any()
        assert samples['subject'][pairs:].tolist() == [2] * 3
    assert Counter(sizes)[5] == 10
    # mmengine's hook sets the epoch on the sampler inside
    before = [batch['data_samples']['index'].tolist() for batch in found]
    loader.batch_sampler.sampler.set_epoch(1)
    assert before != [batch['data_samples']['index'].tolist() for batch in loader]
