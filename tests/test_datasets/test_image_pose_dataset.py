"""Against trees that `write_pose_images` of conftest.py writes: colours tell what images are."""
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import DefaultSampler
from torch.utils.data import DataLoader

from mmviewpose.datasets import (ArrayBatchSampler, ImagePoseDataset, PairBatchSampler,
                                 identity_collate)
from mmviewpose.datasets.box_images import BoxImages
from mmviewpose.datasets.formats.pose_images import read_h36m
from mmviewpose.engine.runner import check_data
from mmviewpose.errors import DatasetError
from mmviewpose.skeletons import get_skeleton, remap

H36M = dict(ann_file='train.npz', camera_param_file='cameras.pkl', image_size=12)


@pytest.fixture
def tree(tmp_path, write_pose_images):
    return write_pose_images(tmp_path)


def made(root, **options):
    return ImagePoseDataset(data_root=str(root), **{**H36M, **dict(training=False), **options})


def everything(dataset):
    return dataset.__getitems__(range(len(dataset)))


def colours(images):
    """The colour in the middle of images, nearly that of all of their pixels."""
    size = images.shape[-1]
    middle = images[..., size // 2, size // 2].long()
    assert (images.long() - middle[..., None, None]).abs().max() <= 3
    return middle


def test_human36m(tmp_path, tree):
    dataset = made(tmp_path)
    batch = everything(dataset)
    assert batch['images'].shape == (48, 3, 12, 12) and batch['images'].dtype == torch.uint8
    frame = dataset.moments.frame[batch['instant']]
    told = torch.stack([10 * batch['subject'], 20 * (batch['view'] - 1), frame], 1)
    assert (colours(batch['images']) - told).abs().max() <= 3, 'red, green and blue'
    assert dataset.metainfo == dict(
        skeleton='h36m17', subjects=[1, 5], views=[1, 2, 3, 4],
        clip_names=['S1_Sitting', 'S1_Walking_1', 'S5_Sitting', 'S5_Walking_1'],
        label_names=dict(action=['Sitting', 'Walking']))
    assert batch['action'].tolist() == (batch['clip'] % 2).tolist()
    # the views of a moment show one pose, y up about the root
    for rows in dataset.view_groups():
        assert (rows >= 0).all()
        pose = batch['pose'][rows]
        torch.testing.assert_close(pose, pose[:1].expand_as(pose), atol=.01, rtol=0)
        names = dataset.metainfo['clip_names'][batch['clip'][rows[0]]]
        place = [n for n, name in enumerate(tree.names) if f'/{names}.54138969_' in name
                 and name.endswith(f'{frame[rows[0]]:06d}.jpg')]
        x, y, z = np.moveaxis(tree.world[place[0]] - tree.world[place[0]][:1], -1, 0)
        np.testing.assert_allclose(pose[0], np.stack([x, z, -y], -1), atol=.01)


def test_mpi_inf_3dhp(tmp_path, write_pose_images):
    tree = write_pose_images(tmp_path, 'mpi_inf_3dhp', subjects=(2, ), performances=('Seq1', ),
                             cameras=(0, 2, 3), frames=(1, 6))
    dataset = made(tmp_path, source='mpi_inf_3dhp', views=[0, 2], training=True,
                   labels=dict(views=[2], every=2))
    assert len(dataset) == 4 + 1 and dataset.metainfo['views'] == [0, 2]
    batch = everything(dataset)
    assert dataset.metainfo['skeleton'] == 'h36m17' and not batch['pose'][:4].any()
    row, = [n for n, name in enumerate(tree.names) if name == 'S2_Seq1_Cam2_000001.jpg']
    world = remap(tree.world[row], 'mpi_inf_3dhp17', 'h36m17')
    np.testing.assert_allclose(batch['pose'][4], world - world[:1], atol=.01)
    assert batch['sequence'].tolist() == [1] * 5
    told = torch.tensor([[20, 0, 1], [20, 0, 6], [20, 20, 1], [20, 20, 6], [20, 20, 1]])
    assert (colours(batch['images']) - told).abs().max() <= 3


def test_the_same_joints_lead_to_the_left_hip(tmp_path, tree):
    """Of which pose transforms make use."""
    assert get_skeleton(made(tmp_path).metainfo['skeleton']).index('left_hip') == 4
    ape = made(tmp_path, skeleton='ape17')
    torch.testing.assert_close(everything(ape)['pose'][:, 10],
                               everything(made(tmp_path))['pose'][:, 4])


def test_training_and_test_as_in_the_paper(tmp_path, write_pose_images):
    write_pose_images(tmp_path, subjects=(1, 5, 9), performances=('Sitting', ),
                      frames=(1, 3, 6, 11, 65))
    train = made(tmp_path, subjects=[1, 5], every=5, training=True, labels=dict(subjects=[1]))
    assert train.moments.frame.tolist() == [1, 6, 11] * 2
    assert len(train) == 24 + 12
    test = made(tmp_path, subjects=[9], every=64)
    assert test.moments.frame.tolist() == [1, 65] and test.metainfo['subjects'] == [9]


def test_worker_processes(tmp_path, tree):
    dataset = made(tmp_path, training=True, pipeline=[dict(type='PackPoseImages')])
    sampler = DefaultSampler(dataset, seed=0)
    loader = DataLoader(dataset, num_workers=2, collate_fn=identity_collate,
                        batch_sampler=PairBatchSampler(sampler, 6, 2, 2))
    alone = DataLoader(dataset, collate_fn=identity_collate, batch_sampler=loader.batch_sampler)
    for batch, expected in zip(loader, alone):
        assert torch.equal(batch['inputs'], expected['inputs'])
        assert torch.equal(batch['data_samples']['pose'], expected['data_samples']['pose'])


# ---------------------------------------------------------------------------------------
# The cut


def area_mean(image, left, top, side, size):
    """A square resized by the mean over areas, black outside; a loop over pixels in float64."""
    height, width = image.shape[:2]
    padded = np.zeros((side, side, 3))
    for row in range(side):
        for column in range(side):
            if 0 <= top + row < height and 0 <= left + column < width:
                padded[row, column] = image[top + row, left + column]
    weight, step = np.zeros((size, side)), side / size
    for out in range(size):
        for pixel in range(side):
            overlap = min((out + 1) * step, pixel + 1) - max(out * step, pixel)
            weight[out, pixel] = max(overlap, 0) / step
    return np.einsum('ir,jc,rcd->ijd', weight, weight, padded)


@pytest.fixture
def random_image(tmp_path, write_pose_images):
    """A tree of one image of noise without loss, and how to change its box."""
    name = 'S1/S1_Sitting.54138969/S1_Sitting.54138969_000001.png'
    write_pose_images(tmp_path, subjects=(1, ), performances=('Sitting', ), frames=(1, ),
                      cameras=('54138969', ), ending='png')
    image = np.random.default_rng(3).integers(0, 256, (60, 64, 3)).astype(np.uint8)
    assert cv2.imwrite(str(tmp_path / 'images' / name), image[..., ::-1])
    found = read_h36m(tmp_path / 'train.npz', tmp_path / 'cameras.pkl')

    def cut(centre, side, size):
        reader = BoxImages(tmp_path / 'images', found._replace(
            centres=np.array([centre]), sides=np.array([float(side)])), size)
        return reader(torch.tensor([0]))[0].permute(1, 2, 0).numpy()

    return image, cut


@pytest.mark.parametrize('centre, side, size', [
    ((32, 30), 16, 8), ((32, 30), 18, 8), ((20, 40), 8, 8), ((30, 30), 40, 10),
    ((3, 2), 24, 8), ((60, 58), 24, 12), ((32, 30), 100, 10), ((32, 30), 70, 7)])
def test_a_box_is_cut_out_by_the_mean_over_areas(random_image, centre, side, size):
    image, cut = random_image
    expected = area_mean(image, centre[0] - side // 2, centre[1] - side // 2, side, size)
    assert np.abs(cut(centre, side, size) - expected).max() <= 1


def test_boxes_between_pixels_and_small_ones(random_image):
    image, cut = random_image
    # from 25.8 to 34.2 in x: the square of 8 px from 26 on
    assert np.abs(cut((30, 30.1), 8.4, 4) - area_mean(image, 26, 26, 8, 4)).max() <= 1
    larger = cut((30, 30), 4, 16)
    corners = larger[[0, 0, -1, -1], [0, -1, 0, -1]]
    np.testing.assert_array_equal(corners, image[[28, 28, 31, 31], [28, 31, 28, 31]])
    assert cut((30, 30), .3, 4).shape == (4, 4, 3), 'one pixel at least'


@pytest.mark.parametrize('side', [250, 500, 900])
def test_large_jpegs_are_decoded_at_a_share_of_their_size(tmp_path, write_pose_images, side):
    """Which must make no difference to see."""
    write_pose_images(tmp_path, 'mpi_inf_3dhp', subjects=(1, ), performances=('Seq1', ),
                      cameras=(0, ), frames=(1, ))
    y, x = np.mgrid[:2048, :2048] / 2048
    image = np.stack([x, y, .5 + .5 * np.sin(40 * x + 25 * y)], -1) * 255
    path = str(tmp_path / 'images' / 'S1_Seq1_Cam0_000001.jpg')
    assert cv2.imwrite(path, image.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 98])
    scale = np.array([side / 200])
    with np.load(tmp_path / 'train.npz') as data:
        arrays = dict(data, scale=scale, center=np.array([[900., 1100.]]))
    np.savez(tmp_path / 'train.npz', **arrays)
    found = everything(made(tmp_path, source='mpi_inf_3dhp', image_size=112))['images'][0]
    left, top = 900 - side // 2, 1100 - side // 2
    whole = cv2.imread(path)[top:top + side, left:left + side, ::-1]
    expected = cv2.resize(whole, (112, 112), interpolation=cv2.INTER_AREA)
    difference = np.abs(found.permute(1, 2, 0).numpy().astype(int) - expected)
    assert difference.mean() < 2 and difference.max() < 16


# ---------------------------------------------------------------------------------------
# What is broken


def image_path(root, tree, number):
    return Path(root, 'images', tree.names[number])


def test_a_missing_image_stops_it_before_training(tmp_path, tree):
    image_path(tmp_path, tree, 4).unlink()
    with pytest.raises(DatasetError, match='55011271_000006.jpg: sequence S1_Walking_1.55011271: '
                                           'frame 6: image not found'):
        made(tmp_path)
    assert len(made(tmp_path, views=[1, 3])), 'those that are not wanted may be missing'
    for path in image_path(tmp_path, tree, 4).parent.iterdir():
        path.unlink()
    image_path(tmp_path, tree, 4).parent.rmdir()
    with pytest.raises(DatasetError, match='its folder cannot be read .No such file'):
        made(tmp_path)


def test_folders_are_listed_and_no_file_is_looked_at(tmp_path, tree, monkeypatch):
    found = read_h36m(tmp_path / 'train.npz', tmp_path / 'cameras.pkl')
    listed, listdir = [], os.listdir
    monkeypatch.setattr(os, 'listdir', lambda path: listed.append(path) or listdir(path))
    monkeypatch.setattr(os, 'stat', None)
    BoxImages(tmp_path / 'images', found, 12)
    assert len(listed) == len(set(listed)) == 16


@pytest.mark.parametrize('content, message', [
    (b'no image', 'cannot be read as an image'), (b'', 'cannot be read as an image'),
    ((30, 32), '32 x 30 px, its camera has 64 x 60'),
    ((62, 64), '64 x 62 px, its camera has 64 x 60')])
def test_a_broken_image_stops_the_batch(tmp_path, tree, content, message):
    path = image_path(tmp_path, tree, 4)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        assert cv2.imwrite(str(path), np.zeros((*content, 3), np.uint8))
    dataset = made(tmp_path)
    with pytest.raises(DatasetError, match=f'000006.jpg: sequence S1_Walking_1.55011271: frame 6: '
                                           f'{message}'):
        everything(dataset)


def test_a_few_lines_more_than_the_camera_says(tmp_path, write_pose_images):
    """As in Human3.6M, 1002 for 1000."""
    write_pose_images(tmp_path, 'mpi_inf_3dhp', subjects=(1, ), performances=('Seq1', ),
                      cameras=(0, ), frames=(1, ))
    path = str(tmp_path / 'images' / 'S1_Seq1_Cam0_000001.jpg')
    for rows, good in ((2052, True), (2044, True), (2100, False), (1900, False)):
        assert cv2.imwrite(path, np.zeros((rows, 2048, 3), np.uint8))
        dataset = made(tmp_path, source='mpi_inf_3dhp')
        if good:
            assert not everything(dataset)['images'].any()
            continue
        with pytest.raises(DatasetError, match=f'2048 x {rows} px, its camera has 2048 x 2048'):
            everything(dataset)


def test_wrong_arguments(tmp_path, tree):
    with pytest.raises(DatasetError, match="source 'ntu', there are h36m, mpi_inf_3dhp"):
        made(tmp_path, source='ntu')
    with pytest.raises(ValueError, match='image_size must be positive, got 0'):
        made(tmp_path, image_size=0)
    with pytest.raises(ValueError, match='every must be positive'):
        made(tmp_path, every=0)


@pytest.mark.parametrize('change, message', [
    (dict(ann_file='a.npz'), 'a.npz: file not found; docs/data_preparation.md'),
    (dict(camera_param_file='b.pkl'), 'b.pkl: file not found'),
    (dict(img_prefix='pictures'), 'pictures: folder not found')])
def test_files_are_looked_for_first(tmp_path, tree, change, message):
    good = dict(type='ImagePoseDataset', data_root=str(tmp_path), **H36M)
    check_data(Config(dict(train_dataloader=dict(dataset=good))), 'train_dataloader')
    with pytest.raises(DatasetError, match=message):
        check_data(Config(dict(train_dataloader=dict(dataset={**good, **change}))),
                   'train_dataloader')


def test_a_moment_that_one_camera_alone_saw(tmp_path, write_pose_images):
    alone = [f'S1/S1_Sitting.{camera}/S1_Sitting.{camera}_000006.jpg'
             for camera in ('54138969', '58860488', '60457274')]
    write_pose_images(tmp_path, leave_out=alone)
    dataset = made(tmp_path, training=True)
    assert len(dataset) == 2 * 45 and len(dataset.moments.frame) == 12
    sampler = PairBatchSampler(DefaultSampler(dataset, seed=0), 4, pairs=2, regression=0)
    for batch in sampler:
        found = dataset.__getitems__(batch)
        assert (dataset.view_groups()[found['instant']] >= 0).all()
    sequence = ArrayBatchSampler(DefaultSampler(dataset, shuffle=False), 100)
    assert len(next(iter(sequence))) == 90, 'but it can be labelled'
