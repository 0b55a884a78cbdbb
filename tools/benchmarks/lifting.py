"""Training of lifters: mmpose's with our loss and sampler against its own, our array path against
mmpose's."""
import pickle
import statistics
import tempfile
import time
from itertools import chain, repeat
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.optim import OptimWrapper
from mmengine.registry import MODELS, DefaultScope
from mmengine.runner import Runner

import mmviewpose.compat  # noqa: F401  (mmpose imports only with its stand-ins in place)
from mmviewpose.datasets.formats.h36m_views import read_views
from mmviewpose.datasets.formats.views import write_views
from mmviewpose.datasets.synthetic import synthetic_clips
from mmviewpose.geometry import random_rotations
from mmviewpose.skeletons import remap

CONFIGS = Path(__file__).resolve().parents[2] / 'configs' / 'viewpose'
LIFTING = 'mmpose::body_3d_keypoint/'
VIDEOPOSE3D = LIFTING + ('video_pose_lift/h36m/'
                         'video-pose-lift_tcn-27frm-supv_8xb128-160e_h36m.py')
MOTIONBERT = LIFTING + 'motionbert/h36m/motionbert_dstformer-ft-243frm_8xb32-120e_h36m.py'
FRAMEWISE = LIFTING + ('image_pose_lift/h36m/'
                       'image-pose-lift_tcn_8xb64-200e_h36m.py')
# ours: the config of mmpose that it inherits
MIXED = {'twoviews-videopose3d_h36m.py': VIDEOPOSE3D, 'twoviews-motionbert_h36m.py': MOTIONBERT}
SERIALS = ('54138969', '55011271', '58860488', '60457274')
FOCAL, CENTRE, DISTANCE = 1145., 500., 5000.  # px, px and mm


# ---------------------------------------------------------------------------------------
# Data: built-in people before four cameras, in mmpose's files and in ours


def _write_h36m(root: Path, num_clips: int, num_frames: int) -> None:
    """Human3.6M's folder as mmpose wants it, with ``num_clips`` performances."""
    rng = torch.Generator().manual_seed(0)
    names, poses, points = [], [], []
    for number, clip in enumerate(synthetic_clips(num_clips, num_frames, fps=50.)):
        person = torch.as_tensor(remap(clip.positions, clip.layout, 'h36m17'))
        person = person - person[:1, :1]
        for serial, turn in zip(SERIALS, random_rotations(4, mode='yaw', generator=rng)):
            seen = ((person @ turn).clamp(-2000, 2000) * torch.tensor([1., -1., 1.])
                    + torch.tensor([0., 0., DISTANCE])).numpy()
            image = CENTRE + FOCAL * seen[..., :2] / seen[..., 2:]
            one = np.ones((*seen.shape[:2], 1))
            poses.append(np.concatenate([seen / 1000, one], -1))
            points.append(np.concatenate([image, one], -1))
            name = f'S1_Walking_{number}.{serial}'
            names += [f'S1/{name}/{name}_{1 + frame:06d}.jpg' for frame in range(num_frames)]
    folder = root / 'annotation_body3d'
    (folder / 'fps50').mkdir(parents=True)
    np.savez(folder / 'fps50' / 'h36m_train.npz', imgname=names, S=np.concatenate(poses),
             part=np.concatenate(points), center=np.full((len(names), 2), CENTRE),
             scale=np.full(len(names), 4.))
    lens = dict(R=np.eye(3), T=np.zeros((3, 1)), f=np.full((2, 1), FOCAL),
                c=np.full((2, 1), CENTRE), k=np.zeros((3, 1)), p=np.zeros((2, 1)), w=1000, h=1000)
    (folder / 'cameras.pkl').write_bytes(pickle.dumps(
        {('S1', serial): dict(lens, name=serial, id=serial) for serial in SERIALS}))


def _write_ours(root: Path) -> None:
    """The same as our archive."""
    folder = root / 'annotation_body3d'
    write_views(root / 'views.npz', list(read_views(folder / 'fps50' / 'h36m_train.npz',
                                                    folder / 'cameras.pkl')))


# ---------------------------------------------------------------------------------------
# Training


class _Training:
    """Iterations of training with their data, in the main process."""

    def __init__(self, cfg: Config, lr: float = 1e-4) -> None:
        self.batch_size = cfg.train_dataloader.batch_size
        with DefaultScope.overwrite_default_scope('mmpose'):
            loader = Runner.build_dataloader(cfg.train_dataloader, seed=0)
            self.model = MODELS.build(cfg.model)
        self.batches = chain.from_iterable(repeat(loader))
        self.optimizer = OptimWrapper(torch.optim.Adam(self.model.parameters(), lr=lr))

    def iteration(self) -> float:
        """Milliseconds of processor time."""
        start = time.process_time()
        self.model.train_step(next(self.batches), self.optimizer)
        return 1e3 * (time.process_time() - start)


def _medians(forms: Dict[str, Tuple[_Training, int]], rounds: int) -> Dict[str, float]:
    """Median milliseconds of an iteration; the forms take turns, each as many times as said."""
    times: Dict[str, List[float]] = {name: [] for name in forms}
    for turn in range(rounds + 1):
        for name, (training, repeats) in forms.items():
            found = [training.iteration() for _ in range(repeats)]
            times[name] += found if turn else []
    return {name: statistics.median(values) for name, values in times.items()}


def _prepare(cfg: Config, root: Path, batch_size: int) -> Config:
    """Read ``root``, without worker processes."""
    cfg.train_dataloader.update(batch_size=batch_size, num_workers=0, persistent_workers=False)
    cfg.train_dataloader.pop('prefetch_factor', None)
    cfg.train_dataloader.dataset.data_root = str(root)
    cfg.model.init_cfg = None
    return cfg


def _narrow(cfg: Config, channels: int, num_frames: int) -> Config:
    """A narrower model, and for MotionBERT a shallow one on short windows."""
    if cfg.model.backbone.type == 'DSTFormer':
        cfg.model.backbone.update(feat_size=channels, depth=1, seq_len=num_frames)
        cfg.model.head.update(in_channels=channels, embedding_size=channels)
        cfg.train_dataloader.dataset.update(multiple_target=num_frames, multiple_target_step=9)
    else:
        cfg.model.backbone.stem_channels = cfg.model.head.in_channels = channels
    return cfg


def _mixed(name: str, root: Path, batch_size: int, channels: int) -> Dict[str, _Training]:
    """Our mixed config and mmpose's own, with the same model."""
    forms = dict(mmpose=get_config(MIXED[name]), ours=Config.fromfile(str(CONFIGS / name)))
    return {key: _Training(_narrow(_prepare(cfg, root, batch_size), channels, 27))
            for key, cfg in forms.items()}


def _array_config(root: Path, batch_size: int, channels: int) -> Config:
    """Our array path to a lifter of single frames: three layers and a linear head."""
    return Config(dict(
        model=dict(
            type='mmviewpose.SequenceLifter',
            backbone=dict(type='mmviewpose.TemporalConvBackbone', stem_channels=channels,
                          kernel_sizes=(1, 1, 1), dropout=0.5),
            head=dict(type='mmviewpose.PlaneHead', in_channels=channels),
            position=dict(type='mmviewpose.JointPositionLoss')),
        train_dataloader=dict(
            batch_size=batch_size, num_workers=0,
            sampler=dict(type='DefaultSampler', shuffle=True),
            batch_sampler=dict(type='mmviewpose.MultiviewBatchSampler', num_views=2),
            collate_fn=dict(type='mmviewpose.identity_collate'),
            dataset=dict(type='mmviewpose.MultiviewClipDataset', num_frames=1,
                         sources=[dict(ann_file='views.npz')], data_root=str(root),
                         pipeline=[dict(type='mmviewpose.PackViews')]))))


def run(num_clips: int = 8, num_frames: int = 120, rounds: int = 21, mixed_batch: int = 64,
        array_batch: int = 256, channels: int = 256, **_: object) -> Dict[str, float]:
    """Times iterations of training, data included, on one thread.

    Args:
        num_clips: Performances, each seen by four cameras.
        num_frames: Frames of each.
        rounds: Iterations of mmpose's forms.
        mixed_batch: Samples in a batch of VideoPose3D; MotionBERT gets a quarter.
        array_batch: Frames in a batch of the array path.
        channels: Width of the TCNs; MotionBERT gets a quarter. mmpose's own are 1,024 and 512:
            narrower ones show more of what our loss and sampler cost.

    Returns:
        ``mixed_tcn`` and ``mixed_dstformer``: how fast our mixed configs train, of mmpose's own;
        ``ratio_mixed``, the lower one; ``mmpose_per_s`` and ``array_per_s``, frames a second of a
        frame-wise TCN through mmpose's data set, loader and ``PoseLifter`` and through our array
        path; ``ratio_array``, their quotient.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            _write_h36m(root, num_clips, num_frames)
            _write_ours(root)
            tcn = _mixed('twoviews-videopose3d_h36m.py', root, mixed_batch, channels)
            dstformer = _mixed('twoviews-motionbert_h36m.py', root, mixed_batch // 4, channels // 4)
            arrays = dict(
                mmpose=_Training(_narrow(_prepare(get_config(FRAMEWISE), root, array_batch),
                                         channels, 1)),
                ours=_Training(_array_config(root, array_batch, channels)))
            found = {}
            for name, forms in dict(tcn=tcn, dstformer=dstformer).items():
                medians = _medians({key: (form, 1) for key, form in forms.items()}, rounds)
                found[f'mixed_{name}'] = medians['mmpose'] / medians['ours']
            medians = _medians(dict(mmpose=(arrays['mmpose'], 1), ours=(arrays['ours'], 4)), rounds)
    finally:
        torch.set_num_threads(before)
    return dict(found, ratio_mixed=min(found.values()),
                mmpose_per_s=1e3 * array_batch / medians['mmpose'],
                array_per_s=1e3 * array_batch / medians['ours'],
                ratio_array=medians['mmpose'] / medians['ours'])
