import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from mmviewpose.datasets import (ArrayBatchSampler, MocapViewDataset, MultiviewClipDataset,
                                 SyntheticViewDataset, identity_collate)
from mmviewpose.datasets.datasets.multiview_dataset import cut_windows
from mmviewpose.datasets.formats import SkeletonClip, write_archive
from mmviewpose.datasets.formats.views import ViewSequence, write_views
from mmviewpose.errors import DatasetError
from mmviewpose.registry import DATASETS
from mmviewpose.skeletons import remap

FRAMES = dict(a=10, b=3, c=12)
VIEWS = dict(a=('left', 'right', 'top'), b=('left', 'right'), c=('left', ))


def sequence(clip, view, **changes):
    """Every value says where it is from: x is the frame, y the clip and the view."""
    frames = FRAMES[clip]
    points = np.zeros((frames, 17, 2), np.float32)
    points[..., 0] = np.arange(frames)[:, None]
    points[..., 1] = 100 * 'abc'.index(clip) + ['left', 'right', 'top'].index(view)
    made = dict(keypoints=points, scores=np.full((frames, 17), .5, np.float32), clip=clip,
                view=view, fps=25., image_size=(640, 480), layout='h36m17',
                positions=np.concatenate([points, points[..., :1] + 4000], -1),
                labels=dict(subject='abc'.index(clip), action=f'act_{clip}'))
    made.update(changes)
    return ViewSequence(**made)


@pytest.fixture
def file(tmp_path):
    write_views(tmp_path / 'views.npz', [
        sequence(clip, view, positions=None) if (clip, view) == ('b', 'right') else
        sequence(clip, view) for clip, views in VIEWS.items() for view in views])
    return dict(sources=[dict(ann_file='views.npz')], data_root=str(tmp_path))


def test_windows():
    lengths = np.array([10, 3, 12, 4])
    windows = cut_windows(lengths, 4, 3, keep_tail=False)
    assert windows.clip.tolist() == [0, 0, 0, 1, 2, 2, 2, 3]
    assert windows.start.tolist() == [0, 3, 6, 0, 0, 3, 6, 0]
    assert windows.length.tolist() == [4, 4, 4, 3, 4, 4, 4, 4]
    windows = cut_windows(lengths, 4, 4, keep_tail=True)
    assert windows.start.tolist() == [0, 4, 8, 0, 0, 4, 8, 0]
    assert windows.length.tolist() == [4, 4, 2, 3, 4, 4, 4, 4]
    assert np.bincount(windows.clip, windows.length).tolist() == lengths.tolist()
    assert cut_windows(np.array([24, 30]), 10, 25, True).start.tolist() == [0, 0, 25]
    with pytest.raises(ValueError, match='positive'):
        cut_windows(lengths, 4, 0, False)


def test_samples_are_the_views_of_a_window_side_by_side(file):
    dataset = MultiviewClipDataset(**file, num_frames=4, stride=3)
    assert len(dataset) == 3 * 3 + 1 * 2 + 3 * 1
    batch = dataset.__getitems__(range(len(dataset)))
    assert batch['window'].tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [3, 3, 4, 5, 6]
    assert batch['clip'].tolist() == [0] * 9 + [1, 1, 2, 2, 2]
    assert batch['view'].tolist() == [0, 1, 2] * 3 + [0, 1, 0, 0, 0]
    assert batch['start'].tolist() == [0] * 3 + [3] * 3 + [6] * 3 + [0, 0, 0, 3, 6]
    assert dataset.view_names == ['left', 'right', 'top']
    assert dataset.metainfo['clip_names'] == ['a', 'b', 'c']
    assert dataset.view_groups().tolist() == [
        [0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, -1], [11, -1, -1], [12, -1, -1], [13, -1, -1]]


def test_a_batch_is_the_windows_asked_for(file):
    dataset = MultiviewClipDataset(**file, num_frames=4, stride=3)
    chosen = torch.tensor([13, 4, 10, 9, 4])
    batch = dataset.__getitems__(chosen)
    assert torch.equal(batch['index'], chosen)
    frame = torch.tensor([[6, 7, 8, 9], [3, 4, 5, 6], [0, 1, 2, 2], [0, 1, 2, 2], [3, 4, 5, 6]])
    origin = torch.tensor([200., 1., 101., 100., 1.])
    points = batch['keypoints_2d']
    assert points.shape == (5, 4, 17, 2) and points.dtype == torch.float32
    assert torch.equal(points[..., 0], frame[..., None].expand(5, 4, 17).float())
    assert torch.equal(points[..., 1], origin[:, None, None].expand(5, 4, 17))
    assert batch['has_3d'].tolist() == [True, True, False, True, True]
    assert torch.equal(batch['keypoints'][0, ..., 2], points[0, ..., 0] + 4000)
    assert (batch['keypoints'][2] == 0).all(), 'no 3D is 0, not NaN'
    assert batch['frame_mask'].tolist() == [[True] * 4] * 2 + [[True] * 3 + [False]] * 2 + \
        [[True] * 4]
    assert (batch['scores'] == .5).all() and batch['scores'].shape == (5, 4, 17)
    assert batch['image_size'].tolist() == [[640., 480.]] * 5
    assert batch['intrinsics'].isnan().all() and batch['fps'].tolist() == [25.] * 5
    assert batch['subject'].tolist() == [2, 0, 1, 1, 0]
    assert batch['action'].tolist() == [2, 0, 1, 1, 0]
    assert dataset.metainfo['label_names'] == dict(action=['act_a', 'act_b', 'act_c'])


def test_a_test_set_has_every_frame_once(file):
    dataset = MultiviewClipDataset(**file, num_frames=4, keep_tail=True)
    batch = dataset.__getitems__(range(len(dataset)))
    found = sorted((int(c), int(v), float(x)) for c, v, xs, mask in zip(
        batch['clip'], batch['view'], batch['keypoints_2d'][..., 0, 0], batch['frame_mask'])
        for x in xs[mask])
    assert found == sorted((number, view, float(frame)) for number, clip in enumerate('abc')
                           for view in range(len(VIEWS[clip])) for frame in range(FRAMES[clip]))


def test_selecting_by_label_view_and_fold(file):
    def names(**rules):
        source = dict(file['sources'][0], **rules)
        dataset = MultiviewClipDataset([source], file['data_root'], num_frames=3)
        return dataset.metainfo['clip_names'], dataset.view_names

    assert names(select=dict(subject=[0, 2])) == (['a', 'c'], ['left', 'right', 'top'])
    assert names(select=dict(view=['right', 'top']), drop=dict(name=['b'])) == (
        ['a'], ['right', 'top'])
    # views of a performance stay together
    assert names(fold=dict(count=3, keep=[1])) == (['b'], ['left', 'right'])
    with pytest.raises(DatasetError, match='views.npz: no sequences left'):
        names(select=dict(subject=[7]))
    with pytest.raises(DatasetError, match="no label 'actor'"):
        names(select=dict(actor=[7]))


def test_3d_of_one_subject_only(file):
    source = file['sources'][0]
    dataset = MultiviewClipDataset(
        [dict(source, select=dict(subject=[0])),
         dict(source, select=dict(subject=[1, 2]), use_3d=False)], file['data_root'],
        num_frames=3, stride=3)
    batch = dataset.__getitems__(range(len(dataset)))
    assert torch.equal(batch['has_3d'], batch['subject'] == 0)
    assert torch.equal((batch['keypoints'] != 0).any(-1).any(-1).any(-1), batch['subject'] == 0)
    assert dataset.metainfo['clip_names'] == ['a', 'b', 'c']
    assert batch['window'].unique().tolist() == list(range(len(dataset.view_groups())))


def test_frames_of_which_nothing_was_seen_are_masked(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr('mmviewpose.datasets.datasets.multiview_dataset.print_log',
                        lambda line, *_: said.append(line))
    lost = sequence('a', 'left')
    lost.scores[2:5] = 0
    lost.keypoints[2:5] = 0
    never = sequence('a', 'right')
    never.scores[:], never.keypoints[:] = 0, 0
    write_views(tmp_path / 'v.npz', [lost, never])
    dataset = MultiviewClipDataset([dict(ann_file='v.npz')], str(tmp_path), num_frames=10)
    batch = dataset.__getitems__([0, 1])
    assert batch['frame_mask'].tolist() == [[True] * 2 + [False] * 3 + [True] * 5, [False] * 10]
    assert said == ['nothing was seen (all scores are 0), masked: a (right)']


def test_unusable_archives_are_refused(file, tmp_path):
    with pytest.raises(DatasetError, match='absent.npz: file not found; docs/data_prep'):
        MultiviewClipDataset.check_files(dict(sources=[dict(ann_file='absent.npz')],
                                              data_root=str(tmp_path)))
    with pytest.raises(DatasetError, match='absent.npz: file not found'):
        MultiviewClipDataset([dict(ann_file='absent.npz')], str(tmp_path))
    with pytest.raises(DatasetError, match='layout h36m17; expected coco17: convert it again'):
        MultiviewClipDataset(**file, skeleton='coco17')
    with pytest.raises(DatasetError, match='no sources'):
        MultiviewClipDataset([])
    with pytest.raises(DatasetError, match='no sources and no synthetic'):
        MocapViewDataset()


def test_prepared_windows_do_not_change(file):
    def noise(batch):
        batch['keypoints_2d'] = batch['keypoints_2d'] + torch.rand(batch['keypoints_2d'].shape)
        return batch

    def double(batch):
        batch['scores'] = batch['scores'] * 2
        return batch

    options = dict(**file, num_frames=4, stride=3, prepare=[noise], pipeline=[double])
    first, second = MultiviewClipDataset(**options), MultiviewClipDataset(**options)
    one, other = first.__getitems__([3, 9]), second.__getitems__([9, 3])
    assert torch.equal(one['keypoints_2d'], other['keypoints_2d'].flip(0))
    assert (one['scores'] == 1).all() and one['frame_mask'].tolist()[1] == [True] * 3 + [False]
    assert torch.equal(first.view_groups(), MultiviewClipDataset(
        **file, num_frames=4, stride=3).view_groups())


def test_the_loader_hands_over_whole_batches(file):
    dataset = DATASETS.build(dict(type='MultiviewClipDataset', num_frames=4, **file))
    loader = DataLoader(dataset, collate_fn=identity_collate,
                        batch_sampler=ArrayBatchSampler(range(len(dataset)), 4))
    assert sum(len(batch['index']) for batch in loader) == len(dataset)
    assert dataset[0]['keypoints_2d'].shape == (1, 4, 17, 2)


# Motion capture


@pytest.fixture
def mocap(tmp_path):
    rng = np.random.default_rng(0)
    clips = [SkeletonClip(rng.normal(scale=300, size=(frames, 17, 3)), 'ape17', '+y', 30., name,
                          dict(subject=number, style=f'style{number}'))
             for number, (name, frames) in enumerate(dict(one=9, two=4).items())]
    clips[0].valid[[0, 4, 5]] = False
    write_archive(tmp_path / 'mocap.npz', clips)
    return clips, dict(sources=[dict(ann_file='mocap.npz')], data_root=str(tmp_path))


def test_mocap_is_repeated_for_each_view(mocap):
    clips, options = mocap
    dataset = MocapViewDataset(**options, num_views=3, num_frames=4, stride=2)
    assert dataset.view_groups().tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
    batch = dataset.__getitems__(range(12))
    assert batch['clip'].tolist() == [0] * 9 + [1] * 3 and batch['view'].tolist() == [0, 1, 2] * 4
    expected = remap(clips[0].positions[[1, 1, 2, 3]], 'ape17', 'h36m17')  # frame 0 is masked
    for view in range(3):
        np.testing.assert_allclose(batch['keypoints'][view], expected, rtol=1e-5)
    assert batch['frame_mask'][0].tolist() == [False, True, True, True]
    assert (batch['scores'][0].amin(-1) == batch['frame_mask'][0].float()).all()
    np.testing.assert_allclose(batch['keypoints'][3, 2], remap(clips[0].positions[3], 'ape17',
                                                               'h36m17'), rtol=1e-5)
    assert batch['has_3d'].all() and batch['subject'].tolist() == [0] * 9 + [1] * 3
    assert dataset.metainfo['label_names'] == dict(style=['style0', 'style1'])


def test_synthetic_people(mocap):
    dataset = SyntheticViewDataset(num_clips=3, synthetic_frames=20, num_frames=9, num_views=2,
                                   stride=5)
    assert len(dataset) == 3 * 3 * 2
    batch = dataset.__getitems__([0, 1, 16])
    assert torch.equal(batch['keypoints'][0], batch['keypoints'][1])
    assert batch['keypoints'].shape == (3, 9, 17, 3) and batch['frame_mask'].all()
    joined = MocapViewDataset(**mocap[1], num_synthetic=2, synthetic_frames=8, num_frames=4)
    assert len(joined.metainfo['clip_names']) == 4
    other = SyntheticViewDataset(num_clips=3, synthetic_frames=20, num_frames=9, synthetic_seed=1)
    assert not torch.equal(other.__getitems__([0])['keypoints'], batch['keypoints'][:1])
    SyntheticViewDataset.check_files(dict(num_clips=3))
