from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from mmviewpose.datasets import (ArrayBatchSampler, RenderedMomentDataset, RenderedSequenceDataset,
                                 identity_collate)
from mmviewpose.datasets.datasets.archive_source import select_motion
from mmviewpose.datasets.datasets.recording_batches import (Performances, ReadClips, ReadMoments,
                                                            ReadSegments, count_clips)
from mmviewpose.datasets.filming import Film
from mmviewpose.datasets.formats import write_archive
from mmviewpose.datasets.formats.clip import to_layout
from mmviewpose.datasets.synthetic import synthetic_clips
from mmviewpose.datasets.synthetic.impairment import impair
from mmviewpose.engine.runner import check_data
from mmviewpose.errors import DatasetError, UserError
from mmviewpose.registry import DATASETS
from mmviewpose.rendering import look_at, render

LENGTHS = (7, 4, 9, 5)
ACTIONS = ('walk', 'run', 'jump', 'walk')
FILM = dict(image_size=24, azimuths=(45., 0., 90.))


@pytest.fixture(scope='module')
def archive(tmp_path_factory):
    """Four clips of known length and action, one frame of the last not valid."""
    clips = [replace(clip, name=f'take{n}', positions=clip.positions[:LENGTHS[n]], valid=None,
                     labels=dict(action=ACTIONS[n], person=10 + n))
             for n, clip in enumerate(synthetic_clips(4, num_frames=9, seed=4))]
    clips[3].valid[2] = False
    folder = tmp_path_factory.mktemp('archive')
    return folder, write_archive(folder / 'takes.npz', clips)


def options(archive, **changes):
    return {**dict(sources=[dict(ann_file='takes.npz')], data_root=str(archive[0]), film=FILM),
            **changes}


def batch_of(dataset, *indices):
    return dataset.__getitems__(indices or range(len(dataset)))


class Known:
    """Finds camera, clip and frame of images: all of them are known."""

    def __init__(self, archive, **film):
        images, lengths = Film(**{**FILM, **film})(archive[1], np.arange(len(archive[1])))
        self.images = images.flatten(0, 1).flatten(1)
        assert len(self.images.unique(dim=0)) == len(self.images)
        clip = torch.as_tensor(np.repeat(np.arange(len(lengths)), lengths))
        frame = torch.as_tensor(np.concatenate([np.arange(length) for length in lengths]))
        camera = torch.arange(1, len(images) + 1)[:, None].expand(-1, len(clip))
        self.facts = torch.stack([camera, clip.expand_as(camera), frame.expand_as(camera)], -1)

    def __call__(self, images):
        """Camera from 1, clip and frame, ``(...)`` each."""
        flat = images.flatten(0, -4).flatten(1)
        same = (flat[:, None] == self.images).all(-1)
        assert same.any(1).all(), 'an image that nobody filmed'
        return self.facts.flatten(0, 1)[same.int().argmax(1)].unflatten(
            0, images.shape[:-3]).unbind(-1)


@pytest.fixture(scope='module')
def known(archive):
    return Known(archive)


# ---------------------------------------------------------------------------------------
# Moments


def test_views_of_a_moment_show_one_frame(archive, known):
    dataset = RenderedMomentDataset(**options(archive, num_views=3, training=False))
    assert len(dataset) == 7 + 4 + 9 + 4
    batch = batch_of(dataset)
    assert batch['images'].shape == (24, 3, 3, 24, 24)
    assert batch['images'].dtype == torch.uint8
    camera, clip, frame = known(batch['images'])
    assert torch.equal(camera, torch.tensor([1, 2, 3]).expand(24, 3))
    assert torch.equal(camera, batch['camera'])
    assert torch.equal(clip, batch['clip'][:, None].expand(-1, 3))
    assert torch.equal(frame, frame[:, :1].expand(-1, 3))
    assert frame[:, 0].tolist() == [*range(7), *range(4), *range(9), *range(4)]
    assert batch['index'].tolist() == list(range(24))
    assert batch['person'].tolist() == (10 + batch['clip']).tolist()
    words = dataset.metainfo['label_names']['action']
    assert [words[n] for n in batch['action']] == [ACTIONS[n] for n in batch['clip']]
    assert dataset.metainfo['clip_names'] == ['take0', 'take1', 'take2', 'take3']


def test_a_moment_against_the_renderer(archive):
    """Not a word of the film's own code but for what it drew."""
    film = dict(FILM, wander=0., jitter=0., azimuths=(0., 90.))
    dataset = RenderedMomentDataset(**options(archive, film=film, training=False))
    found = batch_of(dataset, 7 + 4 + 5)['images'][0]  # frame 5 of clip 2
    stage = Film(**film).stage(archive[1])
    pose = torch.from_numpy(archive[1].positions[7 + 4 + 5])[None].expand(2, -1, -1)
    target = torch.stack([pose[:, 0, 0], torch.full((2, ), 950.), pose[:, 0, 2]], -1)
    centre = target + torch.tensor([[0., 0., 4000.], [4000., 0., 0.]])
    centre[:, 1] = stage.height[2]
    cameras = look_at(centre, target, 24 * 4000 / 2200, 24)
    expected = render(pose, 'ape17', cameras, 24, stage.people[[2, 2]]).part_map()
    assert (found != expected).double().mean() < 2e-3


def test_the_partner_is_another_frame_of_the_clip_and_view(archive, known):
    dataset = RenderedMomentDataset(**options(archive, training=False))
    assert 'partner' not in batch_of(dataset)
    dataset = RenderedMomentDataset(**options(archive))
    batch = dataset.__getitems__([8] * 200)
    camera, clip, frame = known(batch['images'])
    assert (clip == 1).all() and (frame == 1).all() and torch.equal(camera, batch['camera'])
    pairs, counts = camera.unique(dim=0, return_counts=True)
    assert pairs.tolist() == [[1, 2], [1, 3], [2, 3]] and counts.min() > 40
    same, clip, partner = known(batch['partner'])
    assert torch.equal(same, camera) and (clip == 1).all()
    assert (partner[:, 0] != partner[:, 1]).float().mean() > .5, 'a moment of its own each'
    for view in range(2):
        drawn, counts = partner[:, view].unique(return_counts=True)
        assert drawn.tolist() == [0, 2, 3] and counts.min() > 40


def test_what_is_chosen_changes_no_image(archive, known):
    part = dict(ann_file='takes.npz', select=dict(action=['walk', 'jump']))
    dataset = RenderedMomentDataset(**options(archive, sources=[part], views=[3, 1],
                                              training=False))
    batch = batch_of(dataset)
    camera, clip, frame = known(batch['images'])
    assert torch.equal(camera, torch.tensor([3, 1]).expand(20, 2)), 'cameras as they were given'
    assert torch.equal(camera, batch['camera'])
    assert torch.equal(clip[:, 0], torch.tensor([0, 2, 3])[batch['clip']])
    assert batch['person'].unique().tolist() == [10, 12, 13]
    one = RenderedMomentDataset(**options(archive, views=[2], num_views=1))
    assert (known(batch_of(one)['images'])[0] == 2).all()


def test_several_archives_and_built_in_people(archive):
    fold = dict(ann_file='takes.npz', fold=dict(count=2, keep=[1]))
    dataset = RenderedMomentDataset(**options(
        archive, sources=[dict(ann_file='takes.npz'), fold], num_synthetic=2, synthetic_frames=3,
        training=False))
    names = dataset.metainfo['clip_names']
    assert names[:6] == ['take0', 'take1', 'take2', 'take3', 'take1', 'take3']
    assert len(names) == 8 and names[6].startswith('synthetic')
    batch = batch_of(dataset)
    assert batch['clip'].bincount().tolist() == [7, 4, 9, 4, 4, 4, 3, 3]
    # the same clip of the same archive is the same film
    for first, again in ((1, 4), (3, 5)):
        assert torch.equal(batch['images'][batch['clip'] == first],
                           batch['images'][batch['clip'] == again])
    assert 'person' in batch, 'labels that all archives have'


def test_a_label_of_the_archive_hides_nothing(archive, tmp_path):
    """Archives of recordings have labels of their own for the camera."""
    clips = [replace(clip, labels=dict(camera=54138969, clip=7, action='walk'))
             for clip in archive[1].clips()]
    write_archive(tmp_path / 'takes.npz', clips)
    dataset = RenderedMomentDataset(**options((tmp_path, ), training=False))
    batch = batch_of(dataset)
    assert batch['camera'].tolist() == [[1, 2]] * 24
    assert batch['clip'].bincount().tolist() == [7, 4, 9, 4]
    sequences = batch_of(RenderedSequenceDataset(**options((tmp_path, ), num_frames=2)))
    assert sequences['camera'].unique().tolist() == [1, 2, 3]
    assert sequences['clip'].unique().tolist() == [0, 1, 2, 3]


def test_batches_of_a_loader(archive, known):
    dataset = DATASETS.build(dict(
        type='RenderedMomentDataset', **options(archive),
        pipeline=[dict(type='FlipImages', prob=0.), dict(type='ShiftImages'),
                  dict(type='PackImages')]))
    sampler = torch.utils.data.RandomSampler(dataset)
    seen = []
    for batch in DataLoader(dataset, collate_fn=identity_collate,
                            batch_sampler=ArrayBatchSampler(sampler, 10)):
        inputs, samples = batch['inputs'], batch['data_samples']
        assert inputs['images'].shape == inputs['shifted'].shape == inputs['partner'].shape
        camera, clip, _ = known(inputs['images'])
        assert torch.equal(camera, samples['camera'])
        assert torch.equal(clip[:, 0], samples['clip'])
        assert samples['shift'].abs().min() == pytest.approx(2 / 24)
        seen += samples['index'].tolist()
    assert sorted(seen) == list(range(24))


@pytest.mark.parametrize('wrong, message', [
    (dict(sources=[]), 'no sources and no synthetic people'),
    (dict(views=[1, 4]), r'views must be some of \[1, 2, 3\], got \[1, 4\]'),
    (dict(views=[0, 1]), 'views must be some of'), (dict(views=[]), 'views must be some of'),
    (dict(num_views=4), r'num_views is 4, but there are the views \[1, 2, 3\]'),
    (dict(views=[2]), r'num_views is 2, but there are the views \[2\]'),
    (dict(num_views=0), 'num_views is 0'),
    (dict(film=dict(FILM, stride=9)), 'sequence take0: a clip of one frame'),
    (dict(sources=[dict(ann_file='absent.npz')]), 'absent.npz: file not found; docs'),
    (dict(sources=[dict(ann_file='takes.npz', select=dict(action=['swim']))]), 'no sequences'),
    (dict(skeleton='h36m17'), 'layout ape17, up [+]y; expected h36m17'),
])
def test_what_cannot_be(archive, wrong, message):
    with pytest.raises(DatasetError, match=message):
        RenderedMomentDataset(**options(archive, **wrong))


def test_copies_are_films_by_other_people(archive, known):
    dataset = RenderedMomentDataset(**options(archive, copies=2, training=False))
    assert len(dataset) == 2 * 24
    batch = batch_of(dataset)
    assert batch['clip'].bincount().tolist() == [7, 4, 9, 4] * 2
    assert dataset.metainfo['clip_names'] == 2 * ['take0', 'take1', 'take2', 'take3']
    assert torch.equal(batch['person'], 10 + batch['clip'] % 4)
    first, second = batch['images'].split(24)
    assert torch.equal(known(first)[1][:, 0], batch['clip'][:24])
    _, clip, frame = Known(archive, seed=1000)(second)
    assert torch.equal(clip[:, 0], batch['clip'][24:] - 4)
    assert torch.equal(frame, known(first)[2])
    assert not torch.equal(first, second)


def test_a_clip_without_a_valid_frame(archive, tmp_path):
    clips = [replace(clip, valid=clip.valid & (clip.name != 'take1'))
             for clip in archive[1].clips()]
    write_archive(tmp_path / 'takes.npz', clips)
    for kind in (RenderedMomentDataset, RenderedSequenceDataset):
        with pytest.raises(DatasetError, match='sequence take1: no frame is valid'):
            kind(**options((tmp_path, )))
        kept = [dict(ann_file='takes.npz', drop=dict(name=['take1']))]
        assert len(kind(**options((tmp_path, ), sources=kept)))
    assert len(RenderedSequenceDataset(**options((tmp_path, ), num_frames=2, skip_short=True))) == 9


# ---------------------------------------------------------------------------------------
# Sequences


def test_recordings_are_cameras_of_clips(archive, known):
    dataset = RenderedSequenceDataset(**options(archive, num_frames=3, training=False,
                                                views=[3, 1]))
    batch = batch_of(dataset)
    assert batch['frames'].shape == (8, 3, 3, 24, 24) and batch['frames'].dtype == torch.uint8
    camera, clip, frame = known(batch['frames'])
    assert torch.equal(camera, torch.tensor([3] * 4 + [1] * 4)[:, None].expand(-1, 3))
    assert torch.equal(camera[:, 0], batch['camera'])
    assert torch.equal(clip, batch['clip'][:, None].expand(-1, 3))
    assert batch['clip'].tolist() == [0, 1, 2, 3] * 2
    assert batch['sequence'].tolist() == list(range(8)) and not batch['part'].any()
    # the middle frame of each third of 7, 4, 9 and 4 (one of five is not valid)
    assert frame[:4].tolist() == frame[4:].tolist() == [[1, 3, 5], [0, 2, 3], [1, 4, 7], [0, 2, 3]]
    assert batch['label'].tolist() == [2, 1, 0, 2] * 2
    assert dataset.metainfo['classes'] == ['jump', 'run', 'walk']
    assert dataset.metainfo['sequence_names'][5] == 'take1 (camera 1)'
    assert batch['person'].tolist() == [10, 11, 12, 13] * 2


def test_training_draws_a_frame_of_each_segment(archive, known):
    dataset = RenderedSequenceDataset(**options(archive, num_frames=3))
    camera, clip, frame = known(dataset.__getitems__([6] * 150)['frames'])  # camera 2, clip 2
    assert (camera == 2).all() and (clip == 2).all()
    assert torch.equal(frame // 3, torch.arange(3).expand(150, -1))
    assert all(len(column.unique()) == 3 for column in frame.T)
    assert len(frame.unique(dim=0)) > 20, 'each segment by itself'


def test_classes_are_counted_over_the_whole_archive(archive):
    """So that a protocol's training and test sets agree."""
    part = [dict(ann_file='takes.npz', select=dict(action=['walk']))]
    dataset = RenderedSequenceDataset(**options(archive, sources=part, num_frames=2))
    assert dataset.metainfo['num_classes'] == 3
    assert batch_of(dataset)['label'].unique().tolist() == [2]
    dataset = RenderedSequenceDataset(**options(archive, num_frames=2, class_label='person'))
    assert batch_of(dataset)['label'].tolist() == [0, 1, 2, 3] * 3
    with pytest.raises(DatasetError, match="no label 'score'; there are: .*'action'"):
        RenderedSequenceDataset(**options(archive, class_label='score'))


def test_clips_without_overlap(archive, known):
    data = options(archive, num_frames=3, sampling='clips', views=[1, 2])
    dataset = RenderedSequenceDataset(training=False, **data)
    batch = batch_of(dataset)
    assert batch['sequence'].tolist() == [0, 0, 1, 2, 2, 2, 3, 4, 4, 5, 6, 6, 6, 7]
    assert batch['part'].tolist() == [0, 1, 0, 0, 1, 2, 0] * 2
    camera, clip, frame = known(batch['frames'])
    assert torch.equal(frame, 3 * batch['part'][:, None] + torch.arange(3))
    assert torch.equal(clip, batch['clip'][:, None].expand(-1, 3))
    assert torch.equal(camera, batch['camera'][:, None].expand(-1, 3))
    dataset = RenderedSequenceDataset(**data)
    assert len(dataset) == 8
    batch = dataset.__getitems__([6] * 90)
    _, clip, frame = known(batch['frames'])
    assert (clip == 2).all()
    drawn, counts = frame[:, 0].unique(return_counts=True)
    assert drawn.tolist() == [0, 3, 6] and counts.min() > 15
    assert torch.equal(frame[:, 0], 3 * batch['part'])


def test_recordings_that_are_too_short(archive, caplog):
    data = options(archive, num_frames=3, sampling='clips')
    with pytest.raises(DatasetError, match=r'sequence take1 \(camera 1\): 4 frames, fewer than'):
        RenderedSequenceDataset(**dict(data, num_frames=5))
    dataset = RenderedSequenceDataset(**dict(data, num_frames=5, skip_short=True))
    assert [name[:5] for name in dataset.metainfo['sequence_names'][:2]] == ['take0', 'take2']
    assert dataset.metainfo['num_classes'] == 3
    # frames are counted as they are filmed: every second of 7, 4, 9 and 4 (one is not valid)
    strided = RenderedSequenceDataset(**dict(data, film=dict(FILM, stride=2), skip_short=True))
    assert [name[:5] for name in strided.metainfo['sequence_names'][:2]] == ['take0', 'take2']
    assert batch_of(strided)['frames'].shape[1] == 3
    with pytest.raises(DatasetError, match='no clip has 10 frames'):
        RenderedSequenceDataset(**dict(data, num_frames=10, skip_short=True))
    # a frame for each segment is found in any
    assert len(RenderedSequenceDataset(**options(archive, num_frames=16))) == 12


def test_impaired_motion(archive):
    data = options(archive, num_frames=3, sampling='clips', class_label='score',
                   impairment=dict(grades=3, seed=5), views=[2], training=False)
    dataset = RenderedSequenceDataset(**data)
    batch = batch_of(dataset)
    assert dataset.metainfo['classes'] == [0, 1, 2]
    first = torch.as_tensor(np.searchsorted(batch['sequence'], np.arange(12)))
    assert batch['label'][first].tolist() == [0, 1, 2] * 4
    assert torch.equal(batch['label'], batch['score'])
    assert batch['person'][first].tolist() == np.repeat([10, 11, 12, 13], 3).tolist()
    assert set(batch['impaired_side'].tolist()) <= {0, 1}
    # what is filmed is the impaired motion
    clips = impair(archive[1].clips(), grades=3, seed=5)
    assert [name[:8] for name in dataset.metainfo['sequence_names']] == [
        clip.name[:8] for clip in clips]
    impaired = archive[0], write_archive(archive[0] / 'impaired.npz', clips)
    _, clip, _ = Known(impaired)(batch['frames'])
    assert torch.equal(clip, batch['clip'][:, None].expand(-1, 3))


def test_copies_of_recordings(archive, known):
    data = options(archive, num_frames=3, training=False, views=[1, 3])
    dataset = RenderedSequenceDataset(copies=2, **data)
    batch = batch_of(dataset)
    assert batch['camera'].tolist() == [1] * 8 + [3] * 8
    assert batch['clip'].tolist() == 2 * list(range(8))
    assert batch['label'].tolist() == [2, 1, 0, 2] * 4
    assert batch['person'].tolist() == [10, 11, 12, 13] * 4
    frames = batch['frames'].unflatten(0, (2, 2, 4))  # camera, copy, clip
    plain = batch_of(RenderedSequenceDataset(**data))['frames'].unflatten(0, (2, 4))
    assert torch.equal(frames[:, 0], plain)
    camera, clip, frame = Known(archive, seed=1000)(frames[:, 1])
    assert torch.equal(clip, torch.arange(4)[:, None].expand(2, 4, 3))
    assert torch.equal(camera[1], torch.full((4, 3), 3))
    assert torch.equal(frame, known(plain)[2])


def test_frames_are_encoded_once(archive, known):
    calls = []

    class Mean:
        """Encodes an image by its channels' means."""

        def __call__(self, batch):
            calls.append(batch['frames'].shape)
            return dict(batch, frames=batch['frames'].float().mean((-2, -1)))

    data = options(archive, num_frames=3, training=False)
    dataset = RenderedSequenceDataset(encode=Mean(), **data)
    assert calls == [(3 * 24, 3, 24, 24)]
    plain = batch_of(RenderedSequenceDataset(**data))
    batch = batch_of(dataset)
    assert len(calls) == 1 and batch['frames'].shape == (12, 3, 3)
    torch.testing.assert_close(batch['frames'], plain['frames'].float().mean((-2, -1)))


def test_wrong_arguments(archive):
    for wrong in (dict(sampling='frames'), dict(num_frames=0)):
        with pytest.raises(ValueError, match='sampling must be one of'):
            RenderedSequenceDataset(**options(archive, **wrong))
    with pytest.raises(DatasetError, match='no sources'):
        RenderedSequenceDataset()
    with pytest.raises(ValueError, match='the last of 9 grades'):
        RenderedSequenceDataset(**options(archive, impairment=dict(grades=9)))


def test_missing_data_stops_before_anything_is_built(archive, tmp_path):
    for kind in ('RenderedMomentDataset', 'RenderedSequenceDataset'):
        dataset = dict(type=kind, **options(archive))
        cfg = dict(train_dataloader=dict(dataset=dataset), synthetic_config='synthetic.py')
        check_data(cfg, 'train_dataloader')
        dataset['data_root'] = str(tmp_path)
        with pytest.raises(DatasetError, match='takes.npz: file not found; docs.*synthetic.py'):
            check_data(cfg, 'train_dataloader')


def test_a_missing_encoder_stops_before_anything_is_built(archive):
    encode = dict(type='EncodeImages', encoder=dict(
        type='PoseImageBackbone', init_cfg=dict(type='Pretrained', checkpoint='nowhere.pth')))
    dataset = dict(type='RenderedSequenceDataset', encode=encode, **options(archive))
    with pytest.raises(UserError, match='nowhere.pth.*uvi_mocap'):
        check_data(dict(train_dataloader=dict(dataset=dataset)), 'train_dataloader')


# ---------------------------------------------------------------------------------------
# What the datasets of images share


def test_selected_motion(archive):
    sources = [dict(ann_file='takes.npz', select=dict(person=[11, 12]), use_3d=False)]
    found = select_motion(sources, str(archive[0]), 'ape17', 'use_3d', num_synthetic=3,
                          synthetic_frames=5, synthetic_seed=6)
    assert [selection.rows.tolist() for selection in found] == [[1, 2], [0, 1, 2]]
    people = found[1].archive
    assert people.lengths.tolist() == [5, 5, 5]
    for clip, expected in zip(people.clips(), synthetic_clips(3, 5, 6)):
        assert np.array_equal(clip.positions, expected.positions)
    assert len(select_motion([], '', None, num_synthetic=1)[0].archive.positions) == 243
    with pytest.raises(DatasetError, match='a source has no use_3d'):
        select_motion(sources, str(archive[0]), None)
    with pytest.raises(DatasetError, match='no sources and no synthetic people'):
        select_motion([], '', None)


def numbers_only(rows, numbers):
    """Images that are the number of their recording and frame."""
    return torch.stack([rows, numbers], -1)


def test_moments_of_uneven_performances():
    performances = Performances(np.array(['a', 'b']), np.array([4, 6, 9]),
                                np.array([[5, 3, 1], [0, 2, 4]]),
                                [np.array([10, 11, 14]), np.array([2, 7])])
    labels = dict(subject=np.array([8, 9]))
    read = ReadMoments(numbers_only, performances, labels, 2, training=False)
    batch = read(dict(clip=torch.tensor([0, 0, 1, 0]), position=torch.tensor([0, 2, 1, 1])))
    assert batch['images'].tolist() == [[[5, 10], [3, 10]], [[5, 14], [3, 14]], [[0, 7], [2, 7]],
                                        [[5, 11], [3, 11]]]
    assert 'partner' not in batch
    assert batch['camera'].tolist() == [[4, 6]] * 4 and batch['subject'].tolist() == [8, 8, 9, 8]
    assert 'position' not in batch
    read = ReadMoments(numbers_only, performances, labels, 2, training=True)
    one = torch.ones(50, dtype=torch.long)
    batch = read(dict(clip=one, position=0 * one))
    assert (batch['partner'][..., 1] == 7).all(), 'never the moment itself'
    assert torch.equal(batch['partner'][..., 0], batch['images'][..., 0])
    assert {tuple(row) for row in batch['images'][..., 0].tolist()} == {(0, 2), (0, 4), (2, 4)}


@pytest.mark.parametrize('training', [False, True])
@pytest.mark.parametrize('length', [1, 2, 5, 16, 37])
def test_segments_of_any_length(length, training):
    numbers = [np.arange(3), 100 + np.arange(length), 900 + np.arange(4)]
    read = ReadSegments(numbers_only, numbers, 5, training)
    frames = read(dict(sequence=torch.ones(200, dtype=torch.long)))['frames']
    assert (frames[..., 0] == 1).all()
    place = frames[..., 1] - 100
    assert place.min() >= 0 and place.max() < length and (place.diff() >= 0).all()
    low, high = (torch.arange(5) + edge for edge in (0, 1))
    assert (place + 1 > low * length / 5).all() and (place < high * length / 5).all()
    if not training:
        assert place[0].tolist() == [int((segment + .5) * length / 5) for segment in range(5)]
    elif length >= 10:
        assert len(place.unique()) == length


def test_clips_of_recordings():
    numbers = [np.arange(7), 100 + np.arange(13)]
    assert count_clips(numbers, 3, ['a', 'b']).tolist() == [2, 4]
    read = ReadClips(numbers_only, numbers, 3, training=False)
    batch = read(dict(sequence=torch.tensor([1, 0, 1]), part=torch.tensor([3, 1, 0])))
    assert batch['frames'][..., 1].tolist() == [[109, 110, 111], [3, 4, 5], [100, 101, 102]]
    read = ReadClips(numbers_only, numbers, 3, training=True)
    batch = read(dict(sequence=torch.ones(200, dtype=torch.long)))
    assert batch['part'].unique().tolist() == [0, 1, 2, 3]
    with pytest.raises(DatasetError, match='folder/b: sequence b: 2 frames, fewer than the 3'):
        count_clips([np.arange(3), np.arange(2)], 3, ['a', 'b'], ['folder/a', 'folder/b'])


def test_other_layouts(archive, tmp_path):
    clips = [to_layout(clip, 'h36m17') for clip in archive[1].clips()]
    write_archive(tmp_path / 'takes.npz', clips)
    for facing in ('world', 'start'):
        dataset = RenderedMomentDataset(**options((tmp_path, ), film=dict(FILM, facing=facing)))
        assert (batch_of(dataset)['images'][:, :, 0] > 0).flatten(2).any(2).all()
