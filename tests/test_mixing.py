"""Our sampler, loss and flip in mmpose's own configs, datasets, heads and metrics."""
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

mmpose = pytest.importorskip('mmpose')

from mmengine.hooks import Hook  # noqa: E402
from mmengine.registry import DefaultScope  # noqa: E402
from mmengine.runner import Runner  # noqa: E402
from mmengine.structures import InstanceData  # noqa: E402
from mmpose.structures import PoseDataSample  # noqa: E402

from mmviewpose.datasets.samplers.view_groups import h36m_groups  # noqa: E402
from mmviewpose.engine.runner import build_runner, check_data, load_config  # noqa: E402
from mmviewpose.errors import DatasetError, UserError  # noqa: E402
from mmviewpose.geometry.rotation import random_rotations  # noqa: E402
from mmviewpose.models import MultiviewPoseDataPreprocessor  # noqa: E402
from mmviewpose.skeletons import get_skeleton  # noqa: E402

ROOT = Path(__file__).parents[1]
SERIALS = ('54138969', '55011271', '60457274')
FRAMES = 9
CONFIGS = {name: str(ROOT / 'configs' / 'viewpose' / f'{name}_h36m.py')
           for name in ('twoviews-motionbert', 'twoviews-videopose3d')}
LOADER = dict(num_workers=0, persistent_workers=False, batch_size=4)


def recording(subject, action, frames=FRAMES):
    """Image names, ``S`` and ``part`` of one person before three cameras, in mmpose's form."""
    generator = torch.Generator().manual_seed(subject)
    person = torch.randn(1, 17, 3, generator=generator) * .4
    person = person + .05 * torch.randn(frames, 17, 3, generator=generator)
    names, poses, points = [], [], []
    for serial, turn in zip(SERIALS, random_rotations(3, mode='yaw', generator=generator)):
        seen = person @ turn + torch.tensor([0., 0., 5.])
        image = seen[..., :2] / seen[..., 2:] * 1145 + 500
        one = torch.ones(frames, 17, 1)
        poses.append(torch.cat([seen, one], -1).numpy())
        points.append(torch.cat([image, one], -1).numpy())
        name = f'S{subject}_{action}.{serial}'
        names += [f'S{subject}/{name}/{name}_{1 + i:06d}.jpg' for i in range(frames)]
    return names, np.concatenate(poses), np.concatenate(points)


@pytest.fixture
def h36m(tmp_path, monkeypatch):
    """Human3.6M as mmpose wants it, below the working directory."""
    monkeypatch.chdir(tmp_path)
    root = Path('data/h36m/annotation_body3d')
    (root / 'fps50').mkdir(parents=True)
    for split, subjects in dict(train=(1, 5), test=(9,)).items():
        parts = [recording(subject, action) for subject in subjects
                 for action in ('Walking', 'Walking_1')]
        names, poses, points = map(np.concatenate, zip(*parts))
        count = len(names)
        np.savez(root / 'fps50' / f'h36m_{split}.npz', imgname=names, S=poses, part=points,
                 center=np.full((count, 2), 500.), scale=np.full(count, 4.))
    cameras = {(f'S{subject}', serial): dict(
        R=np.eye(3), T=np.zeros((3, 1)), f=np.full((2, 1), 1145.), c=np.full((2, 1), 500.),
        k=np.zeros((3, 1)), p=np.zeros((2, 1)), w=1000, h=1000, name=serial, id=serial)
        for subject in (1, 5, 9) for serial in SERIALS}
    (root / 'cameras.pkl').write_bytes(pickle.dumps(cameras))


def small(name):
    """The config as it is, with a small model and short sequences."""
    cfg = load_config(CONFIGS[name])
    check_data(cfg, 'train_dataloader', 'val_dataloader')
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        loader.update(LOADER)
        for key in ('prefetch_factor', 'pin_memory'):
            loader.pop(key, None)
        if name == 'twoviews-motionbert':
            loader.dataset.update(multiple_target=4, multiple_target_step=2)
    if name == 'twoviews-motionbert':
        cfg.model.backbone.update(depth=1, feat_size=16, num_heads=2, seq_len=4)
        cfg.model.head.update(in_channels=16, embedding_size=8)
        cfg.model.init_cfg = None
    else:
        cfg.model.backbone.stem_channels = cfg.model.head.in_channels = 16
    cfg.work_dir, cfg.launcher = 'work', 'none'
    cfg.train_cfg = dict(by_epoch=False, max_iters=2, val_interval=2)
    cfg.default_hooks.logger.interval = 1
    cfg.test_dataloader = cfg.test_evaluator = cfg.test_cfg = None
    return cfg


class Watch(Hook):
    """Keeps what goes in and what comes out."""

    def __init__(self):
        self.batches, self.losses = [], []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.batches.append([sample.metainfo['target_img_path'] for sample in
                             data_batch['data_samples']])
        self.losses.append({key: float(value.detach()) for key, value in outputs.items()})


def view_of(path):
    """(Recording and frame, camera) of an image name."""
    stem = Path(str(np.ravel(path)[0])).stem
    clip, rest = stem.split('.')
    camera, frame = rest.split('_')
    return (clip, frame), camera


@pytest.mark.parametrize('name', sorted(CONFIGS))
def test_it_trains_and_is_validated_by_mmposes_metric(name, h36m):
    torch.manual_seed(0)
    cfg = small(name)
    assert len([line for line in Path(CONFIGS[name]).read_text().splitlines()
                if line and not line.startswith('#')]) <= 15
    runner = build_runner(cfg)
    watch = Watch()
    runner.register_hook(watch)
    parts = []
    consistency = next(module for module in runner.model.modules()
                       if type(module).__name__ == 'MultiviewConsistencyLoss')
    consistency.register_forward_hook(lambda module, args, out: parts.append(out))
    before = {key: value.clone() for key, value in runner.model.state_dict().items()}
    runner.train()
    assert len(watch.batches) == 2
    for batch in watch.batches:
        assert len(batch) == 4
        for first, second in zip(batch[::2], batch[1::2]):
            (moment, camera), (other_moment, other_camera) = view_of(first), view_of(second)
            assert moment == other_moment and camera != other_camera
    # the consistency of the predictions is in the loss
    assert len(parts) == 2
    for part, losses in zip(parts, watch.losses):
        assert part.dim() == 0 and 0 < part < losses['loss_pose3d']
        assert part.grad_fn is not None
    assert any(not torch.equal(value, before[key])
               for key, value in runner.model.state_dict().items())
    scalars = runner.message_hub.log_scalars
    for metric in ('val/MPJPE', 'val/P-MPJPE'):
        assert np.isfinite(scalars[metric].current())


@pytest.mark.parametrize('name', sorted(CONFIGS))
def test_what_is_added_to_mmposes_loss_is_the_consistency(name, h36m):
    cfg = small(name)
    runner = build_runner(cfg)
    runner.model.data_preprocessor.flip_prob = 0.
    batch = next(iter(runner.train_dataloader))
    model = runner.model.eval()
    data = model.data_preprocessor(batch, training=True)
    ours = model.loss(**data)
    theirs, consistency = model.head.loss_module.losses
    assert type(theirs).__module__.startswith('mmpose') and consistency.loss_weight == .2
    term = consistency(model(**data, mode='tensor'))
    model.head.loss_module = theirs
    alone = model.loss(**data)
    torch.testing.assert_close(ours['loss_pose3d'], alone['loss_pose3d'] + term)
    assert term > 0 and torch.equal(ours['mpjpe'], alone['mpjpe'])


def test_both_ranks_get_whole_clips(h36m, monkeypatch):
    cfg = small('twoviews-motionbert')
    found = []
    for rank in range(2):
        monkeypatch.setattr('mmengine.dataset.sampler.get_dist_info', lambda: (rank, 2))
        with DefaultScope.overwrite_default_scope('mmpose'):
            loader = Runner.build_dataloader(cfg.train_dataloader, seed=0)
        found.append([[view_of(sample.metainfo['target_img_path'])
                       for sample in batch['data_samples']] for batch in loader])
    assert len(found[0]) == len(found[1]) > 1
    for batch in found[0] + found[1]:
        for (moment, camera), (other, another) in zip(batch[::2], batch[1::2]):
            assert moment == other and camera != another
    groups, cameras = h36m_groups(loader.dataset)
    assert cameras == list(SERIALS) and (groups >= 0).all()
    assert groups.numel() == len(loader.dataset)


@pytest.mark.parametrize('name', sorted(CONFIGS))
def test_missing_data_stops_it_with_advice(name, h36m):
    cfg = load_config(CONFIGS[name])
    Path('data/h36m/annotation_body3d/cameras.pkl').unlink()
    with pytest.raises(DatasetError, match='cameras.pkl: file not found.*data_preparation'):
        check_data(cfg, 'train_dataloader')
    Path('data/h36m/annotation_body3d/fps50/h36m_train.npz').unlink()
    with pytest.raises(DatasetError, match='h36m_train.npz.*data_preparation.md.*tools/train.py '
                                           'configs/viewpose/twoviews'):
        check_data(cfg, 'train_dataloader')


# The flip


def batch_of(shape, label, count=6):
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randn(shape, generator=generator) for _ in range(count)]
    samples = [PoseDataSample(gt_instance_labels=InstanceData(
        lifting_target_label=torch.randn(label, 17, 3, generator=generator),
        lifting_target_weight=torch.rand(label, 17, generator=generator)))
        for _ in range(count)]
    return dict(inputs=inputs, data_samples=samples)


@pytest.mark.parametrize('shape, frames', [((4, 17, 3), 4), ((34, 27), 1)])
def test_whole_clips_are_flipped(shape, frames):
    flip = list(get_skeleton('h36m17').flip_index)
    preprocessor = MultiviewPoseDataPreprocessor(num_views=3, flip_prob=.5)
    seen = set()
    for seed in range(8):
        torch.manual_seed(seed)
        before, data = batch_of(shape, frames), batch_of(shape, frames)
        out = preprocessor(data, training=True)
        assert out['inputs'].shape == (6, *shape)
        flipped = [not torch.equal(out['inputs'][i], before['inputs'][i]) for i in range(6)]
        assert flipped[0:3] in ([True] * 3, [False] * 3)
        assert flipped[3:6] in ([True] * 3, [False] * 3)
        seen.add((flipped[0], flipped[3]))
        for i, was in enumerate(flipped):
            labels = out['data_samples'][i].gt_instance_labels
            source = before['data_samples'][i].gt_instance_labels
            if not was:
                assert torch.equal(labels.lifting_target_label, source.lifting_target_label)
                continue
            target = source.lifting_target_label[:, flip] * torch.tensor([-1., 1., 1.])
            assert torch.equal(labels.lifting_target_label, target)
            assert torch.equal(labels.lifting_target_weight,
                               source.lifting_target_weight[:, flip])
            expected = before['inputs'][i]
            if len(shape) == 3:
                expected = expected[:, flip] * torch.tensor([-1., 1., 1.])
            else:  # x and y of each joint in turn
                expected = expected.view(17, 2, -1)[flip] * torch.tensor([[-1.], [1.]])
                expected = expected.reshape(shape)
            assert torch.equal(out['inputs'][i], expected)
    assert len(seen) > 2


def test_in_a_test_nothing_is_flipped_and_odd_batches_are_refused():
    preprocessor = MultiviewPoseDataPreprocessor(num_views=2, flip_prob=1.)
    before, data = batch_of((4, 17, 3), 4, 3), batch_of((4, 17, 3), 4, 3)
    out = preprocessor(data)
    assert all(torch.equal(a, b) for a, b in zip(out['inputs'], before['inputs']))
    with pytest.raises(UserError, match='3 samples is not whole clips of 2.*BatchSampler'):
        preprocessor(data, training=True)
