"""Every config trains two steps and is tested, on tiny data made up for it."""
import copy
import functools
import io
import itertools
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.optim import OptimWrapperDict, build_optim_wrapper
from mmengine.registry import HOOKS, PARAM_SCHEDULERS, DefaultScope
from mmengine.runner import Runner

from mmviewpose.compat import load_checkpoint_file
from mmviewpose.datasets.formats import write_archive
from mmviewpose.datasets.formats.cameras import CameraPoses
from mmviewpose.datasets.formats.qmar import SCORES
from mmviewpose.datasets.formats.sportspose import VIEWS
from mmviewpose.datasets.formats.views import ViewSequence, write_views
from mmviewpose.datasets.synthetic import synthetic_clips
from mmviewpose.datasets.synthetic.cameras import synthetic_cameras
from mmviewpose.engine.runner import check_data, load_config
from mmviewpose.errors import DatasetError
from mmviewpose.models import SiameseAutoEncoder
from mmviewpose.registry import DATASETS, MODELS

ROOT = Path(__file__).parents[1]
# those that inherit a config of mmpose's run in test_mixing.py
CONFIGS = [path for path in sorted((ROOT / 'configs' / 'viewpose').rglob('*.py'))
           if "'mmpose::" not in path.read_text()]
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
SERIAL = 54138969
SUBJECTS = (1, 5, 6, 7, 8, 9, 11)


def dicts(node):
    """All dicts in a config, at any depth."""
    if isinstance(node, dict):
        yield node
        node = node.values()
    if not isinstance(node, (str, bytes)) and hasattr(node, '__iter__'):
        for part in node:
            yield from dicts(part)


def loaders(cfg):
    return [cfg[key] for key in LOADERS if cfg.get(key)]


# Stand-in data, written below the working directory where the config looks for it


def write_archives(cfg):
    """Archives with clips for every combination of the labels that the config selects by."""
    sources = {}
    for loader in loaders(cfg):
        for dataset in dicts(loader):
            for source in dataset.get('sources', [dataset]):
                if 'type' in dataset and 'ann_file' in source and not has_pose_images(dataset):
                    path = Path(dataset.get('data_root', ''), source['ann_file'])
                    views = dataset['type'] in ('MultiviewClipDataset', 'ViewPoseDataset')
                    sources.setdefault(path, []).append(dict(
                        source, views=views, films=dataset['type'].startswith('Rendered'),
                        layout=dataset.get('skeleton', 'ape17')))
    for path, users in sources.items():
        if any(user['views'] for user in users):
            write_views(path, [*views_with(users)])
            continue
        values = {}
        for rule in (rule for user in users for key in ('select', 'drop')
                     for rule in [user.get(key) or {}]):
            for label, allowed in rule.items():
                values.setdefault(label, set()).update(allowed)
        values = {label: sorted(found) + [another(found)] for label, found in values.items()}
        several = any(user.get('num_people', 1) > 1 for user in users)
        folds = [user['fold']['count'] for user in users if user.get('fold')]
        layout, = {user['layout'] for user in users}
        clips = clips_with(values, several, times=2 * max(folds, default=4))
        if any(user['films'] for user in users):  # motion capture, which no camera recorded
            for clip in clips:
                del clip.labels['camera']
        write_archive(path, [replace(clip, layout=layout) for clip in clips])


def another(values):
    """A whole number or word that is not among them."""
    largest = max(values)
    return f'not-{largest}' if isinstance(largest, str) else largest + 1


def clips_with(values, several, times):
    """``times`` clips of each combination of labels; a third with a second body where there are
    several people."""
    rows = list(itertools.product(*values.values())) * times
    clips = synthetic_clips(len(rows), 6, seed=3)
    out = []
    for number, (clip, row) in enumerate(zip(clips, rows)):
        clip.name = f'clip{number:04d}'
        clip.labels = dict(action=number % 10 + 1, subject=SUBJECTS[number % 4], view=1,
                           camera=SERIAL, activity='sit', also_v1=0, also_v2=0, also_v3=0)
        clip.labels.update(zip(values, row))
        out.append(clip)
        if several:
            clip.labels['body'], name = 0, clip.name
            clip.name = f'{name}_0'
            if number % 3 == 0:
                second = synthetic_clips(1, 6, seed=number)[0]
                second.name, second.labels = f'{name}_1', {**clip.labels, 'body': 1}
                out.append(second)
    return out


def views_with(users):
    """Clips of seven views for each value of the label by which subsets are selected."""
    rules = [user['select'] for user in users if 'select' in user] or [dict(subject=[1, 2])]
    label, = {key for rule in rules for key in rule if key != 'view'}
    values = sorted({value for rule in rules for value in rule[label]})
    rng = np.random.default_rng(0)
    for value, clip in itertools.product(values, range(5)):
        poses = rng.normal(scale=300, size=(40, 17, 3)) + [0, 0, 5000]
        for view in VIEWS:
            yield ViewSequence(
                poses[..., :2] / poses[..., 2:] * 1000 + 500, np.ones(poses.shape[:2]),
                f'{value}-{clip}', view, 30., (1000, 1000), 'h36m17', (1000, 1000, 500, 500),
                poses, {'action': clip % 2, label: value})


def write_ape(cfg):
    rng = np.random.default_rng(0)
    for loader in loaders(cfg):
        for dataset in dicts(loader):
            if dataset.get('type') != 'ApeDataset':
                continue
            split = dataset.get('split', 'train')
            for moved in dataset.get('num_moved', range(1, 6)):
                folder = Path(dataset['data_root'], f'remove{moved}', split)
                folder.mkdir(parents=True, exist_ok=True)
                for name in ('', '_gt'):
                    poses = rng.normal(scale=300, size=(6, 17, 3)).tolist()
                    (folder / f'APE_{split}{name}.json').write_text(json.dumps(poses))


def image_datasets(cfg):
    return [part for loader in loaders(cfg) for part in dicts(loader)
            if str(part.get('type')).startswith('Image') and not has_pose_images(part)]


def has_pose_images(dataset):
    return dataset.get('type') == 'ImagePoseDataset'


def write_pose_trees(cfg, write_pose_images):
    """A few images of all people and cameras that an annotation file is asked for."""
    users = {}
    for dataset in (part for loader in loaders(cfg) for part in dicts(loader)
                    if has_pose_images(part)):
        users.setdefault((dataset['data_root'], dataset['ann_file']), []).append(dataset)
    for (root, ann_file), datasets in users.items():
        h36m = datasets[0]['source'] == 'h36m'
        subjects = {subject for dataset in datasets for subject in dataset['subjects']}
        write_pose_images(
            root, datasets[0]['source'], sorted(subjects),
            ('Walking_1', 'Sitting') if h36m else ('Seq1', ), datasets[0].get('views'),
            (1, 26, 65) if h36m else (1, 26), ann_file=ann_file, colours=h36m,
            **{key: datasets[0][key] for key in ('camera_param_file', 'img_prefix')})


def write_images(cfg):
    """A few small images in the trees that the config names, and QMAR's list of who trains."""
    for dataset in image_datasets(cfg):
        root = Path(dataset['data_root'])
        if isinstance(dataset['source'], str):
            for recording in itertools.product((1, 2, 3), (1, 3), (1, 2)):  # camera, subject
                name = 'S001C{:03d}P{:03d}R{:03d}A001'.format(*recording)
                write_recording(root / name, dataset['modality'])
            continue
        if 'train_subjects' in dataset['source']:
            assert not dataset['source']['train_subjects'] + dataset['source']['test_subjects']
            dataset['source'].update(train_subjects=[1, 2], test_subjects=[3, 4])
        movement, = dataset['select']['movement']
        rows = ['folder,subject,movement,view,score']
        for subject, view in itertools.product(range(1, 5), range(1, 7)):
            score = SCORES[movement][subject % 2]  # the lowest or the highest
            rows.append(f's{subject}/v{view},{subject},{movement},{view},{score}')
            write_recording(root / f's{subject}/v{view}', dataset['modality'])
        (root / 'annotations.csv').write_text('\n'.join(rows))


def write_recording(folder, modality, frames=8):
    if folder.is_dir():
        return
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(frames):
        if modality == 'depth':
            image, name = np.zeros((56, 56), np.uint16), f'MDepth-{number:08d}.png'
            image[8:48, 16:32] = rng.integers(1, 4000, (40, 16))
        else:
            image, name = np.zeros((56, 56, 3), np.uint8), f'{number:06d}_IUV.png'
            image[8:48, 16:32] = rng.integers(1, 25, (40, 16, 3))
        assert cv2.imwrite(str(folder / name), image)


def write_cameras(cfg):
    cameras = synthetic_cameras()
    count = len(SUBJECTS)
    cameras = CameraPoses(np.resize(cameras.rotations, (count, 3, 3)),
                          np.resize(cameras.centres, (count, 3)), np.array(SUBJECTS),
                          np.full(count, SERIAL))
    for part in dicts(loaders(cfg)):
        if part.get('cameras'):
            Path(part['cameras']).parent.mkdir(parents=True, exist_ok=True)
            cameras.save(part['cameras'])


def write_checkpoints(cfg):
    """The auto-encoder that a part's ``init_cfg`` wants, with that part's own settings."""
    for part in dicts([cfg.model, *loaders(cfg)]):
        init = part.get('init_cfg') or {}
        if init.get('type') != 'Pretrained':
            continue
        if '://' in init['checkpoint']:  # weights of mmpose's
            del part['init_cfg']
            continue
        own = {key: value for key, value in part.items() if key != 'init_cfg'}
        if own.get('type') == 'PoseImageBackbone':
            Path(init['checkpoint']).parent.mkdir(parents=True, exist_ok=True)
            weights = MODELS.build(own['network']).state_dict()
            torch.save({f'{init["prefix"]}{key}': value for key, value in weights.items()},
                       init['checkpoint'])
            continue
        if own.get('type') == 'SequenceLifter':
            Path(init['checkpoint']).parent.mkdir(parents=True, exist_ok=True)
            torch.save(dict(state_dict=MODELS.build(own).state_dict()), init['checkpoint'])
            continue
        encoder = part['encoder_3d'] if 'encoder_3d' in part else own
        model = SiameseAutoEncoder(encoder, part.get('decoder', dict(type='SeBiReNetDecoder')))
        Path(init['checkpoint']).parent.mkdir(parents=True, exist_ok=True)
        torch.save(dict(state_dict=model.state_dict()), init['checkpoint'])


def shrink(cfg):
    """Few samples, small batches."""
    for loader in loaders(cfg):
        loader['batch_size'] = 2 * loader.get('batch_sampler', {}).get('num_views', 3)
        for part in dicts(loader):
            if 'num_poses' in part:
                part['num_poses'] = 18
            if part.get('num_synthetic'):
                part['num_synthetic'] = 18
            if 'copies' in part:
                part['copies'] = 1
            if 'num_clips' in part:
                part.update(num_clips=12, synthetic_frames=40)
            if part.get('num_frames'):
                part['num_frames'] = 9
    for part in dicts(cfg.model):
        if part.get('type') == 'mmpose.DSTFormer':
            part.update(feat_size=32, depth=1, num_heads=2, seq_len=9)
        if part.get('type') == 'mmpose.MotionRegressionHead':
            part.update(in_channels=32, embedding_size=16)
        if part.get('type') in ('PartLifter', 'PoseCritic'):
            part['width'] = 16
    shrink_images(cfg)


IMAGE_SIZE = dict(image_size=48)
SMALL = dict({'mmpose.ResNet': dict(stem_channels=8, base_channels=8)}, **dict(
    EmbeddingHead=dict(IMAGE_SIZE, in_channels=64),
    PoseImageEncoder=dict(IMAGE_SIZE, width=4, hidden=(8, 8), num_points=8),
    ResNetPoseEncoder=dict(
        backbone=dict(type='mmpose.ResNet', depth=18, stem_channels=8, base_channels=8),
        num_points=8),
    ViewpointEncoder=dict(IMAGE_SIZE, channels=(4, 4), hidden=8),
    PoseImageDecoder=dict(IMAGE_SIZE, width=4, num_points=8),
    ImageMomentDataset=dict(IMAGE_SIZE, crop=IMAGE_SIZE['image_size']),
    ImageSequenceDataset=dict(IMAGE_SIZE, crop=IMAGE_SIZE['image_size'], num_frames=4),
    ImagePoseDataset=IMAGE_SIZE,
    RenderedMomentDataset=dict(synthetic_frames=6),
    RenderedPoseDataset=dict(synthetic_frames=6),
    RenderedSequenceDataset=dict(synthetic_frames=6, num_frames=4),
    RetrievalMetric=dict(ks=(1, 2), oracle_queries=6),
))


def shrink_images(cfg):
    """Small images, and networks that fit them and each other."""
    for part in dicts([cfg.model, *loaders(cfg), cfg.get('val_evaluator'),
                       cfg.get('test_evaluator')]):
        part.update(copy.deepcopy(SMALL.get(str(part.get('type')), {})))
        if part.get('type') == 'ImageSequenceEncoder':
            ways = 2 if part.get('bidirectional', True) else 1
            part.update(hidden_channels=8, in_channels=part.get('in_channels') and 3 * 8)
            cfg.model.cls_head.in_channels = 8 * ways
        if str(part.get('type')).startswith('Rendered'):
            part['film'].update(IMAGE_SIZE, stride=1)
            if part.get('num_synthetic'):
                part['num_synthetic'] = 6
    for loader in loaders(cfg):
        if loader['dataset']['type'].startswith(('Image', 'Rendered')):
            loader.update(batch_size=3, num_workers=0, persistent_workers=False)
        if loader['batch_sampler']['type'] == 'PairBatchSampler':
            loader['batch_sampler'].update(pairs=2, regression=3, min_gap=2)
            loader['batch_size'] = 2 * 2 + 3


# The tests


@functools.lru_cache(None)
def loaded(path):
    return load_config(str(path))


@pytest.fixture(params=CONFIGS, ids=lambda path: path.stem)
def cfg(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmviewpose'):
        yield copy.deepcopy(loaded(request.param))


def build_scheduler(options, optimizer, epoch_length):
    options = dict(options, optimizer=optimizer)
    kind = PARAM_SCHEDULERS.get(options['type'])
    if not options.pop('convert_to_iter_based', False):
        return PARAM_SCHEDULERS.build(options)
    options.pop('type')
    return kind.build_iter_from_epoch(epoch_length=epoch_length, **options)


def train(cfg, model):
    """Two steps, and a checkpoint that loads safely; returns the losses."""
    loader = Runner.build_dataloader(cfg.train_dataloader, seed=0)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    optimizers = [*wrapper.values()] if isinstance(wrapper, OptimWrapperDict) else [wrapper]
    schedules = cfg.get('param_scheduler') or []
    schedules = [schedules] if isinstance(schedules, dict) else schedules
    schedulers = [build_scheduler(options, optimizer, len(loader))
                  for options in schedules for optimizer in optimizers]
    if getattr(model, 'wants_statistics', False):
        model.set_statistics(*loader.dataset.pose_statistics())
    model.train()
    losses = [model.train_step(batch, wrapper)['loss'] for batch in itertools.islice(loader, 2)]
    file = io.BytesIO()
    torch.save(dict(state_dict=model.state_dict(), optimizer=wrapper.state_dict(),
                    param_schedulers=[entry.state_dict() for entry in schedulers]), file)
    file.seek(0)
    load_checkpoint_file(file)
    return losses


def evaluate(cfg, model, name):
    loader = Runner.build_dataloader(cfg[f'{name}_dataloader'], seed=0)
    evaluator = Evaluator(cfg[f'{name}_evaluator'])
    model.eval()
    with torch.no_grad():
        for batch in loader:
            evaluator.process(data_samples=model.test_step(batch), data_batch=batch)
    return evaluator.evaluate(len(loader.dataset))


def test_it_trains_and_is_tested(cfg, write_pose_images):
    shrink(cfg)
    write_pose_trees(cfg, write_pose_images)
    for write in (write_archives, write_ape, write_images, write_cameras, write_checkpoints):
        write(cfg)
    check_data(cfg, *[key for key in LOADERS if cfg.get(key)])
    model = MODELS.build(cfg.model)
    model.init_weights()
    before = {name: value.clone() for name, value in model.named_parameters()}
    losses = train(cfg, model)
    assert len(losses) == 2 and all(loss.isfinite() for loss in losses)
    moved = {name for name, value in model.named_parameters()
             if not torch.equal(value, before[name])}
    assert moved, 'nothing was learnt'
    assert moved <= {name for name, value in model.named_parameters() if value.requires_grad}
    assert cfg.get('val_cfg') is None or evaluate(cfg, model, 'val')
    assert cfg.train_cfg.max_epochs > 0
    if cfg.test_cfg is None:
        assert cfg.val_cfg is None
        return
    metrics = evaluate(cfg, model, 'test')
    assert metrics and all(np.isfinite(value) for value in metrics.values())


def test_its_hooks_exist(cfg):
    for hook in [*cfg.get('default_hooks', {}).values(), *cfg.get('custom_hooks', [])]:
        if hook:
            HOOKS.build(hook)


def needs_no_data(dataset):
    """Whether a dataset is of the built-in people alone."""
    kind = str(dataset.get('type'))
    return 'Synthetic' in kind or (
        kind.startswith('Rendered') and bool(dataset.get('num_synthetic'))
        and not dataset.get('sources'))


def test_missing_data_stops_it_with_advice(cfg):
    if any(map(needs_no_data, dicts(cfg.train_dataloader))):
        write_checkpoints(cfg)
        check_data(cfg, *[key for key in LOADERS if cfg.get(key)])
        return
    with pytest.raises(DatasetError, match='data_preparation.md.*synthetic'):
        check_data(cfg, 'train_dataloader')
    synthetic = ROOT / cfg.synthetic_config
    assert synthetic.is_file()
    assert any(map(needs_no_data, dicts(loaded(synthetic).train_dataloader)))


def test_lists_of_subjects_that_nobody_wrote_down_stop_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cfg = copy.deepcopy(loaded(ROOT / 'configs' / 'viewpose' / 'uvi-gru_qmar-cs.py'))
    shrink(cfg)
    write_images(cfg)
    dataset = cfg.train_dataloader.dataset
    with DefaultScope.overwrite_default_scope('mmviewpose'):
        assert DATASETS.build(copy.deepcopy(dataset)).arrays['subject'].unique().tolist() == [1, 2]
        dataset.source.update(train_subjects=[], test_subjects=[])
        with pytest.raises(DatasetError, match='neither in train_subjects nor in test_subjects'):
            DATASETS.build(dataset)


def test_every_fold_of_takes_is_one_persons():
    cfg = Config.fromfile(str(ROOT / 'configs' / '_base_' / 'datasets' / 'mcss_mocap.py'))
    sources = {part: cfg[f'{part}_dataloader'].dataset.sources for part in ('train', 'val', 'test')}
    assert {part: [source.subject for source in some] for part, some in sources.items()} == dict(
        train=list(range(1, 12)), val=[12, 13, 14], test=list(range(15, 21)))
    folds = [fold for some in sources.values() for source in some for fold in source.fold.keep]
    assert sorted(folds) == list(range(24))


@pytest.mark.parametrize('name', ['mcss_synthetic', 'mcss_mocap', 'mcss_h36m', 'mcss_3dhp'])
def test_images_with_poses(name, tmp_path, monkeypatch, write_pose_images):
    """Base configs of data alone: what comes out of their loaders."""
    monkeypatch.chdir(tmp_path)
    cfg = Config.fromfile(str(ROOT / 'configs' / '_base_' / 'datasets' / f'{name}.py'))
    batch = cfg.train_dataloader.batch_sampler
    assert cfg.train_dataloader.batch_size == 2 * batch.pairs + batch.regression
    trains, tests = (copy.deepcopy(cfg[f'{part}_dataloader'].dataset) for part in ('train', 'test'))
    for dataset in (trains, tests):  # nobody trains and tests
        people = dataset.get('subjects') or [
            source.subject for source in dataset.get('sources', [])] or [dataset.synthetic_seed]
        dataset.people = set(people)
    assert not trains.people & tests.people
    cfg.model = {}
    with DefaultScope.overwrite_default_scope('mmviewpose'):
        if 'sources' in trains or 'ann_file' in trains:
            with pytest.raises(DatasetError, match='data_preparation.md.*mcss_synthetic'):
                check_data(cfg, 'train_dataloader')
        shrink(cfg)
        write_archives(cfg)
        write_pose_trees(cfg, write_pose_images)
        check_data(cfg, *LOADERS)
        for key in LOADERS:
            loader = Runner.build_dataloader(cfg[key], seed=0)
            size = cfg[key].dataset.get('image_size') or cfg[key].dataset.film.image_size
            dataset = loader.dataset
            joints = dataset.metainfo['skeleton']
            assert joints == ('h36m17' if 'ann_file' in trains else 'ape17')
            for batch in itertools.islice(loader, 3):
                samples = batch['data_samples']
                count = len(batch['inputs'])
                assert batch['inputs'].shape == (count, 3, size, size)
                assert samples['pose'].shape == (count, 17, 3)
                assert not samples['pose'][~samples['labelled']].any()
                assert not samples['pose'][:, 0].any()
                if key == 'train_dataloader':
                    assert count == 7 and samples['labelled'].tolist() == 4 * [False] + 3 * [True]
                    assert samples['subject'][4:].tolist() == [1] * 3
                else:
                    assert samples['labelled'].all()
        Evaluator(cfg.test_evaluator)
