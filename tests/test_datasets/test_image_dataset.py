import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from mmviewpose.datasets import (ArrayBatchSampler, ImageMomentDataset, ImageSequenceDataset,
                                 identity_collate)
from mmviewpose.engine.runner import check_data
from mmviewpose.errors import DatasetError
from mmviewpose.registry import DATASETS

SMALL = dict(image_size=4, crop=8)
# performance: frame numbers; cameras are 1 to 3
NTU = {'S001P001R001A001': range(1, 8), 'S001P003R001A002': range(3, 24),
       'S002P001R002A060': range(1, 41)}


def write_image(folder, number, code, modality='densepose'):
    """U, or depth's share of its largest, is the recording's code; V, or depth's second, the
    frame's number."""
    folder.mkdir(parents=True, exist_ok=True)
    if modality == 'densepose':
        image = np.zeros((10, 12, 3), np.uint8)
        image[1:9, 2:10] = 12, code, number
        name = f'im_{number:04d}_IUV.png'
    else:
        image = np.zeros((10, 12), np.uint16)
        image[1:9, 2:10] = 51 * 10
        image[1:5, 2:10] = 2 * code
        name = f'MDepth-{number:08d}.png'
    assert cv2.imwrite(str(folder / name), image)


def name_of(clip, camera):
    return f'{clip[:4]}C{camera:03d}{clip[4:]}'


@pytest.fixture
def ntu(tmp_path):
    for place, (clip, numbers) in enumerate(NTU.items()):
        for camera in (1, 2, 3):
            for number in numbers:
                write_image(tmp_path / name_of(clip, camera), number, 10 * place + camera)
    return tmp_path


@pytest.fixture
def qmar(tmp_path):
    rows = ['folder,subject,movement,view,score']
    for subject, movement, score, frames in ((1, 'W-P', 3, 40), (2, 'W-S', 5, 16),
                                             (3, 'W-P', 0, 33)):
        for view in range(1, 7):
            folder = f's{subject}/{movement}/v{view}'
            rows.append(f'{folder},{subject},{movement},{view},{score}')
            for number in range(1, frames + 1):
                write_image(tmp_path / folder, number, 10 * subject + view)
    (tmp_path / 'annotations.csv').write_text('\n'.join(rows))
    return tmp_path


def codes(images):
    """Recording and frame that images (..., 3, S, S) are of."""
    middle = images[..., 2, 2]
    assert (middle[..., 0] == 128).all()  # 12 of 24 parts
    return middle[..., 1], middle[..., 2]


def batch_of(dataset, *indices):
    return dataset.__getitems__(indices or range(len(dataset)))


# ---------------------------------------------------------------------------------------
# Moments


def test_moments_of_two_cameras(ntu):
    dataset = ImageMomentDataset(str(ntu), select=dict(xview60=[1]), training=False, **SMALL)
    assert len(dataset) == sum(map(len, NTU.values()))
    batch = batch_of(dataset)
    assert batch['images'].shape == (len(dataset), 2, 3, 4, 4)
    assert batch['images'].dtype == torch.uint8 and batch['images'].is_contiguous()
    recording, number = codes(batch['images'])
    assert torch.equal(recording, 10 * batch['clip'][:, None].expand(-1, 2) + torch.tensor([2, 3]))
    assert number[:, 0].tolist() == [n for numbers in NTU.values() for n in numbers]
    assert torch.equal(number[:, 0], number[:, 1])
    assert batch['camera'].tolist() == [[2, 3]] * len(dataset)
    assert batch['index'].tolist() == list(range(len(dataset)))
    assert dataset.metainfo['clip_names'] == list(NTU)
    assert batch['action'].unique().tolist() == [1, 2, 60]
    assert batch['subject'][batch['clip'] == 1].unique().tolist() == [3]
    assert 'partner' not in batch


def test_training_draws_views_and_partner(ntu):
    dataset = ImageMomentDataset(str(ntu), select=dict(action=[1]), **SMALL)
    batch = dataset.__getitems__([3] * 400)
    recording, number = codes(batch['images'])
    assert torch.equal(recording, batch['camera']) and (number == 4).all()
    pairs = batch['camera'].unique(dim=0, return_counts=True)
    assert pairs[0].tolist() == [[1, 2], [1, 3], [2, 3]] and pairs[1].min() > 90
    same, partner = codes(batch['partner'])
    assert torch.equal(same, recording)
    assert (partner[:, 0] != partner[:, 1]).float().mean() > .7, 'a moment of its own each'
    for view in range(2):
        drawn, counts = partner[:, view].unique(return_counts=True)
        assert drawn.tolist() == [1, 2, 3, 5, 6, 7] and counts.min() > 35
    torch.manual_seed(1)
    again = dataset.__getitems__([3] * 9)
    torch.manual_seed(1)
    assert torch.equal(dataset.__getitems__([3] * 9)['partner'], again['partner'])


def test_labels_that_differ_between_views_are_left_out(ntu):
    batch = batch_of(ImageMomentDataset(str(ntu), **SMALL), 0)
    assert 'xview60' not in batch and batch['xsub60'].tolist() == [1]
    assert batch['camera'].shape == (1, 2)


def test_stride_and_views(ntu):
    dataset = ImageMomentDataset(str(ntu), stride=10, views=[3, 1], num_views=2, training=False,
                                 **SMALL)
    recording, number = codes(batch_of(dataset)['images'])
    assert number[:, 0].tolist() == [1, 3, 13, 23, 1, 11, 21, 31]
    assert recording[0].tolist() == [1, 3]
    one = ImageMomentDataset(str(ntu), select=dict(xview60=[0]), num_views=1, **SMALL)
    assert batch_of(one)['images'].shape[1] == 1


def test_workers_make_whole_batches(ntu):
    dataset = ImageMomentDataset(str(ntu), **SMALL)

    def epoch(workers):
        torch.manual_seed(0)
        sampler = torch.utils.data.RandomSampler(dataset, generator=torch.Generator())
        return list(DataLoader(dataset, num_workers=workers, collate_fn=identity_collate,
                               batch_sampler=ArrayBatchSampler(sampler, 16)))
    first, again = epoch(2), epoch(2)
    assert sorted(torch.cat([batch['index'] for batch in first]).tolist()) == \
        list(range(len(dataset)))
    assert torch.equal(first[0]['images'], again[0]['images'])
    assert torch.equal(first[1]['partner'], again[1]['partner'])
    for batch in first:
        recording, _ = codes(batch['images'])
        assert torch.equal(recording, 10 * batch['clip'][:, None] + batch['camera'])
    alone = epoch(0)
    assert torch.equal(alone[0]['index'], first[0]['index'])


def test_depth_images(tmp_path):
    for camera in (1, 2):
        for number in range(1, 5):
            write_image(tmp_path / name_of('S001P001R001A001', camera), number, 50 * camera,
                        'depth')
    dataset = ImageMomentDataset(str(tmp_path), modality='depth', **SMALL)
    images = batch_of(dataset, 0)['images']
    assert (images[0, :, :, 0, 0].tolist(), images[0, :, 0, 3, 3].tolist()) == (
        [[50] * 3, [100] * 3], [255, 255])


def test_pipeline_and_registry(ntu):
    def double(batch):
        batch['twice'] = 2 * batch['clip']
        return batch
    dataset = DATASETS.build(dict(type='ImageMomentDataset', data_root=str(ntu),
                                  pipeline=[double], **SMALL))
    assert torch.equal(dataset[60]['twice'], torch.tensor([4]))


# ---------------------------------------------------------------------------------------
# Sequences


def test_segments(ntu):
    data = dict(data_root=str(ntu), select=dict(xview60=[0]), num_frames=8, **SMALL)
    batch = batch_of(ImageSequenceDataset(training=False, **data))
    assert batch['frames'].shape == (3, 8, 3, 4, 4) and batch['frames'].dtype == torch.uint8
    assert batch['label'].tolist() == [0, 1, 59] and batch['camera'].tolist() == [1, 1, 1]
    assert batch['sequence'].tolist() == batch['clip'].tolist() == [0, 1, 2]
    _, number = codes(batch['frames'])
    assert number[0].tolist() == [1, 2, 3, 4, 4, 5, 6, 7]  # 7 frames
    assert number[1].tolist() == [3 + int((i + .5) * 21 / 8) for i in range(8)]
    assert number[2].tolist() == [3, 8, 13, 18, 23, 28, 33, 38]  # 40 frames
    dataset = ImageSequenceDataset(**data)
    assert dataset.metainfo['num_classes'] == 60
    assert dataset.metainfo['sequence_names'] == [name_of(clip, 1) for clip in NTU]
    recording, number = codes(dataset.__getitems__([2] * 200)['frames'])
    assert (recording == 21).all()
    segment = (number.long() - 1) // 5
    assert torch.equal(segment, torch.arange(8).expand(200, -1))
    assert [len(column.unique()) for column in number.T] == [5] * 8
    _, number = codes(dataset.__getitems__([0] * 200)['frames'])
    assert (number.diff() >= 0).all() and set(number.unique().tolist()) == set(range(1, 8))


def test_every_view_of_a_selection_is_a_sequence(ntu):
    batch = batch_of(ImageSequenceDataset(str(ntu), select=dict(xview60=[1]), **SMALL))
    assert sorted(zip(batch['clip'].tolist(), batch['camera'].tolist())) == [
        (clip, camera) for clip in range(3) for camera in (2, 3)]


def test_clips_without_overlap(qmar):
    data = dict(data_root=str(qmar), source='qmar', sampling='clips',
                select=dict(movement=['W-P'], xview=[1]), **SMALL)
    dataset = ImageSequenceDataset(training=False, **data)
    batch = batch_of(dataset)
    assert dataset.metainfo['num_classes'] == 5
    # 40 frames give two clips, 33 give two; views 2 and 5
    assert batch['sequence'].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert batch['part'].tolist() == [0, 1] * 4
    assert batch['label'].tolist() == batch['score'].tolist() == [3] * 4 + [0] * 4
    assert batch['camera'].tolist() == [2, 2, 5, 5] * 2
    recording, number = codes(batch['frames'])
    assert recording[:, 0].tolist() == [12, 12, 15, 15, 32, 32, 35, 35]
    assert torch.equal(number.long(), 1 + 16 * batch['part'][:, None] + torch.arange(16))
    dataset = ImageSequenceDataset(**data)
    assert len(dataset) == 4
    batch = dataset.__getitems__([0] * 60)
    first = codes(batch['frames'])[1][:, 0].long()
    assert first.unique().tolist() == [1, 17] and torch.equal(first, 1 + 16 * batch['part'])


def test_qmar_moments_and_words(qmar):
    dataset = ImageMomentDataset(str(qmar), 'qmar', select=dict(xview=[1]), stride=8, **SMALL)
    assert dataset.metainfo['label_names'] == dict(movement=['W-P', 'W-S'])
    batch = batch_of(dataset)
    recording, _ = codes(batch['images'])
    assert recording.unique(dim=0).tolist() == [[10 * s + 2, 10 * s + 5] for s in (1, 2, 3)]
    lists = dict(type='qmar', train_subjects=[1, 2], test_subjects=[3])
    dataset = ImageMomentDataset(str(qmar), lists, select=dict(xsub=[0]), stride=8, **SMALL)
    assert batch_of(dataset)['subject'].unique().tolist() == [3]
    sequences = ImageSequenceDataset(str(qmar), lists, sampling='clips', **SMALL)
    assert sequences.metainfo['num_classes'] == 6
    assert batch_of(sequences, 6)['movement'].tolist() == [1]


# ---------------------------------------------------------------------------------------
# Bad input


def test_selection_rules(ntu):
    for rules, problem in (
            (dict(select=dict(subject=[1, 5])), 'no recording has subject 5; there are: 1, 3'),
            (dict(drop=dict(subjcet=[1])), "no label 'subjcet'; there are: .*'subject'"),
            (dict(views=[1, 4]), 'no recording has camera 4; there are: 1, 2, 3'),
            (dict(select=dict(xview60=[1]), views=[1]), 'no recordings left with select'),
            (dict(select=dict(xview60=[0])), r'num_views is 2, .* only the views \[1\]'),
            (dict(source='kinect'), "source 'kinect', there are ntu, qmar")):
        with pytest.raises(DatasetError, match=problem):
            ImageMomentDataset(str(ntu), **rules)
    kept = ImageMomentDataset(str(ntu), drop=dict(clip=['S001P001R001A001'], subject=[3]), **SMALL)
    assert kept.metainfo['clip_names'] == ['S002P001R002A060']


def test_missing_view_and_views_out_of_step(ntu):
    lost = ntu / name_of('S001P003R001A002', 2)
    (lost / 'im_0023_IUV.png').unlink()
    with pytest.raises(DatasetError, match=f'{lost.name}: sequence S001P003R001A002: frame 23: '
                                           'views out of step: view 2 lacks'):
        ImageMomentDataset(str(ntu), **SMALL)
    dataset = ImageMomentDataset(str(ntu), spare_frames=1, **SMALL)
    assert len(dataset) == sum(map(len, NTU.values())) - 1
    assert len(ImageMomentDataset(str(ntu), views=[1, 3], **SMALL)) == len(dataset) + 1
    for file in lost.iterdir():
        file.unlink()
    with pytest.raises(DatasetError, match=f'{lost.name}: .*holds no image'):
        ImageMomentDataset(str(ntu), **SMALL)
    with pytest.raises(DatasetError, match='holds no image'):
        ImageSequenceDataset(str(ntu), **SMALL)
    lost.rmdir()
    with pytest.raises(DatasetError, match=r'sequence S001P003R001A002: view 2 is missing, .*'
                                           r'there are \[1, 3\]'):
        ImageMomentDataset(str(ntu), **SMALL)


def test_fewer_than_two_moments(tmp_path):
    for camera in (1, 2):
        write_image(tmp_path / name_of('S001P001R001A001', camera), 1, 1)
    with pytest.raises(DatasetError, match='share fewer than two frames'):
        ImageMomentDataset(str(tmp_path), **SMALL)
    with pytest.raises(DatasetError, match='S001C001P001R001A001: 1 frames, fewer than the 16'):
        ImageSequenceDataset(str(tmp_path), sampling='clips', **SMALL)


def test_broken_images_stop_the_batch(ntu):
    dataset = ImageMomentDataset(str(ntu), select=dict(action=[1]), **SMALL)
    path = ntu / name_of('S001P001R001A001', 2) / 'im_0003_IUV.png'
    path.write_bytes(b'no png')
    for data in (dataset, ImageSequenceDataset(str(ntu), views=[2], **SMALL)):
        with pytest.raises(DatasetError, match='im_0003_IUV.png: sequence S001C002P001R001A001: '
                                               'frame 3: cannot be read'):
            for _ in range(40):
                batch_of(data)


def test_missing_data_stops_before_anything_is_built(tmp_path):
    for kind, source in (('ImageMomentDataset', 'ntu'), ('ImageSequenceDataset', 'qmar')):
        dataset = dict(type=kind, data_root=str(tmp_path / 'absent'), source=source)
        cfg = dict(train_dataloader=dict(dataset=dataset), synthetic_config='synthetic.py')
        with pytest.raises(DatasetError, match='absent: folder not found; docs/data_preparation.md '
                                               'says .*; the same method .* synthetic.py'):
            check_data(cfg, 'train_dataloader')
        dataset['data_root'] = str(tmp_path)
        if source == 'ntu':
            check_data(cfg, 'train_dataloader')
    with pytest.raises(DatasetError, match='annotations.csv: file not found; docs'):
        check_data(cfg, 'train_dataloader')


def test_arguments(ntu):
    for wrong in (dict(stride=0), dict(num_views=0), dict(modality='rgb')):
        with pytest.raises(ValueError):
            ImageMomentDataset(str(ntu), **wrong)
    for wrong in (dict(sampling='frames'), dict(num_frames=0)):
        with pytest.raises(ValueError, match='sampling must be one of'):
            ImageSequenceDataset(str(ntu), **wrong)
