from dataclasses import replace

import numpy as np
import pytest
import torch
from mmengine.config import Config

from mmviewpose.datasets import RenderedPoseDataset
from mmviewpose.datasets.filming import Film
from mmviewpose.datasets.formats import write_archive
from mmviewpose.datasets.formats.archive import read_archive
from mmviewpose.datasets.persons import with_bones
from mmviewpose.datasets.synthetic import synthetic_clips
from mmviewpose.engine.runner import check_data
from mmviewpose.errors import DatasetError
from mmviewpose.functional import bone_lengths
from mmviewpose.registry import DATASETS
from mmviewpose.skeletons import get_skeleton

LENGTHS = (7, 4, 9, 5)
FILM = dict(image_size=16, azimuths=(45., 135., 270.), stride=2)
NAMES = [f'take{n}' for n in range(4)]


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Four clips, one frame of the last not valid; ``cmu.npz`` knows who performs."""
    clips = [replace(clip, name=name, positions=clip.positions[:length], valid=None,
                     labels=dict(action='walk' if n < 2 else 'run'))
             for n, (name, length, clip) in enumerate(zip(
                 NAMES, LENGTHS, synthetic_clips(4, num_frames=9, seed=4, num_people=1)))]
    clips[3].valid[2] = False
    folder = tmp_path_factory.mktemp('archive')
    write_archive(folder / 'takes.npz', clips)
    write_archive(folder / 'cmu.npz', [
        replace(clip, labels=dict(clip.labels, subject=5 + n % 2, camera=9))
        for n, clip in enumerate(clips)])
    return folder


def fold(n, count=2, **more):
    return dict(ann_file='takes.npz', fold=dict(count=count, keep=[n]), **more)


def made(folder, *sources, **changes):
    return RenderedPoseDataset(sources or [dict(ann_file='takes.npz')], str(folder), **{
        **dict(film=FILM, training=False), **changes})


def everything(dataset):
    return dataset.__getitems__(range(len(dataset)))


def test_images_are_the_films_and_poses_what_they_show(folder):
    sources = [fold(0, subject=3), fold(1, subject=8)]
    dataset = made(folder, *sources, bone_change=.1, size_change=.08, training=True)
    archive, n = read_archive(folder / 'takes.npz'), dataset.num_images
    batch = everything(dataset)
    assert n == 3 * (4 + 5 + 2 + 2) and len(dataset) == 2 * n
    assert batch['images'].shape == (2 * n, 3, 16, 16) and batch['images'].dtype == torch.uint8
    assert dataset.metainfo['subjects'] == [3, 8] and dataset.metainfo['views'] == [1, 2, 3]
    assert dataset.metainfo['clip_names'] == ['take0', 'take2', 'take1', 'take3']
    crew = Film(modality='rgb', **FILM)
    labelled = {key: value[n:] for key, value in batch.items()}
    assert torch.equal(labelled['images'], batch['images'][:n])
    for clip, (row, who) in enumerate([(0, 3), (2, 3), (1, 8), (3, 8)]):
        body = with_bones(archive, np.array([row]), np.array([who]), .1, .08)
        images, _ = crew(body, np.array([row]), people=np.array([who]))
        frames = [0, 2, 4, 6, 8][:images.shape[1]] if row < 3 else [0, 3]  # 2 is not valid
        pose = body.positions[archive.starts[row] + np.array(frames)]
        for view in (1, 2, 3):
            mine = (labelled['clip'] == clip) & (labelled['view'] == view)
            order = labelled['instant'][mine].argsort()
            assert torch.equal(labelled['images'][mine][order], images[view - 1])
            np.testing.assert_allclose(labelled['pose'][mine][order], pose - pose[:, :1])
            assert (labelled['subject'][mine] == who).all()
        mine = dataset.moments.clip == clip
        assert dataset.moments.frame[mine].tolist() == frames
    assert (dataset.view_groups() >= 0).all()


def test_a_subject_is_the_same_person_everywhere(folder):
    bones = get_skeleton('ape17').bones
    options = dict(bone_change=.1, size_change=.08)
    one = everything(made(folder, fold(0, subject=3), **options))
    other = everything(made(folder, fold(1, subject=3), fold(0, subject=4), **options))
    lengths = [bone_lengths(batch['pose'], bones) for batch in (one, other)]
    third = other['subject'] == 3
    torch.testing.assert_close(lengths[0].mean(0), lengths[1][third].mean(0), rtol=1e-4, atol=.1)
    assert (lengths[0].mean(0) - lengths[1][~third].mean(0)).abs().max() > 5
    # what is in the corner of a picture is the backdrop
    corners = [batch['images'][:, :, 0, 0].unique(dim=0) for batch in (one, other)]
    assert len(corners[0]) == 1 and len(corners[1]) == 2
    assert torch.equal(other['images'][third][:, :, 0, 0].unique(dim=0), corners[0])
    # and without a change of bones, poses are the archive's
    plain = everything(made(folder))
    archive = read_archive(folder / 'takes.npz')
    np.testing.assert_array_equal(
        plain['pose'][0], archive.positions[0] - archive.positions[0, :1])


def test_who_performs_where_nobody_says_so(folder):
    assert made(folder).metainfo['subjects'] == [1000, 1001, 1002, 1003]
    assert made(folder, fold(1)).metainfo['subjects'] == [1001, 1003]
    labelled = everything(made(folder, dict(ann_file='cmu.npz')))
    assert labelled['subject'].unique().tolist() == [5, 6]
    assert torch.equal(labelled['subject'], 5 + labelled['clip'] % 2)
    assert labelled['view'].unique().tolist() == [1, 2, 3] and (labelled['camera'] == 9).all()
    both = made(folder, dict(ann_file='cmu.npz'), fold(0, subject=5))
    assert both.metainfo['subjects'] == [5, 6]
    assert both.metainfo['label_names'] == dict(action=['run', 'walk'])


def test_built_in_people(folder):
    options = dict(num_synthetic=26, synthetic_frames=2, film=dict(FILM, stride=1))
    first = everything(RenderedPoseDataset(training=False, **options))
    counts = dict(zip(*(part.tolist() for part in first['subject'].unique(return_counts=True))))
    assert counts == {1: 12 * 2 * 3, 2: 12 * 2 * 3, 3: 2 * 2 * 3}
    second = RenderedPoseDataset(training=False, synthetic_seed=2, **options)
    assert second.metainfo['subjects'] == [201, 202, 203]
    both = made(folder, fold(0, subject=1), num_synthetic=1, synthetic_frames=2)
    assert both.metainfo['subjects'] == [1] and len(both.metainfo['clip_names']) == 3


def test_chosen_cameras_and_labels(folder):
    sources = [fold(0, subject=1), fold(1, subject=2)]
    everywhere = everything(made(folder, *sources))
    some = made(folder, *sources, views=[3, 1], training=True,
                labels=dict(subjects=[2], views=[3]))
    batch = everything(some)
    assert batch['view'].unique().tolist() == [1, 3] and some.view_names == ['1', '3']
    assert len(some.labelled_rows) == 4 and (batch['subject'][batch['labelled']] == 2).all()
    for view in (1, 3):
        mine = (batch['view'] == view) & ~batch['labelled']
        assert torch.equal(batch['images'][mine],
                           everywhere['images'][everywhere['view'] == view])


def test_colour_is_what_is_seen_unless_said_otherwise(folder):
    parts = everything(made(folder, film=dict(FILM, modality='densepose')))
    assert (parts['images'][:, :, 0, 0] == 0).all()
    assert (everything(made(folder))['images'][:, :, 0, 0] > 0).any()


@pytest.mark.parametrize('source, changes, message', [
    (fold(0, subject='S1'), dict(), "takes.npz: subject must be a whole number from 0, got 'S1'"),
    (fold(0, subject=-1), dict(), 'subject must be a whole number from 0, got -1'),
    (fold(0, person=1), dict(), 'a source has no person; it takes .*subject'),
    (fold(0), dict(views=[4]), r'views must be some of \[1, 2, 3\]'),
    (fold(0), dict(skeleton='h36m17'), 'layout ape17'),
    (fold(0), dict(training=True, labels=dict(subjects=[7])), 'labels: subjects has 7')])
def test_what_cannot_be(folder, source, changes, message):
    with pytest.raises(DatasetError, match=message):
        made(folder, source, **changes)


def test_nothing_at_all():
    with pytest.raises(DatasetError, match='no sources and no synthetic people'):
        RenderedPoseDataset()


def test_files_are_looked_for_first(folder):
    cfg = dict(type='RenderedPoseDataset', data_root=str(folder), sources=[fold(0)])
    check_data(_config(cfg), 'train_dataloader')
    with pytest.raises(DatasetError, match='absent.npz: file not found'):
        check_data(_config(dict(cfg, sources=[dict(ann_file='absent.npz')])), 'train_dataloader')
    assert DATASETS.get('RenderedPoseDataset') is RenderedPoseDataset


def _config(dataset):
    return Config(dict(train_dataloader=dict(dataset=dataset)))
