import copy

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from torch import nn

from mmviewpose.errors import UserError
from mmviewpose.functional import hardnet_loss
from mmviewpose.models import CanonicalPoseHead, EmbeddingHead, MultiviewEmbeddingRegressor
from mmviewpose.registry import MODELS

pytest.importorskip('mmpose')
SIZE, PAIRS, LABELLED, JOINTS = 12, 3, 4, 17
ROWS = 2 * PAIRS + LABELLED


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


class Cells(nn.Module):
    """A backbone without batch statistics: means of cells of 4 px, mixed; counts its calls."""

    def __init__(self):
        super().__init__()
        self.mix = nn.Conv2d(3, 5, 1)
        self.calls = []

    def forward(self, images):
        self.calls.append(images.detach().clone())
        return images, self.mix(nn.functional.avg_pool2d(images, 4))


class Spread(nn.Module):
    """A metric loss that looks at all that it is given."""

    def forward(self, anchors, positives, instants):
        assert anchors.dtype == positives.dtype == torch.float32
        apart = (instants[:, None] != instants).float()
        return ((anchors - positives).square().sum(-1).mean()
                - .1 * (apart * torch.cdist(anchors, positives)).mean())


def build(pose_head=True, metric_loss=True, backbone=None, **options):
    torch.manual_seed(0)
    model = MultiviewEmbeddingRegressor(
        backbone or dict(type=Cells),
        dict(type=EmbeddingHead, in_channels=5, image_size=SIZE, channels=6, stride=4),
        dict(type=CanonicalPoseHead, in_channels=6, hidden=(7,)) if pose_head else None,
        dict(type=Spread) if metric_loss else None, **options)
    if pose_head:
        model.set_statistics(*statistics())
    return model


def statistics():
    return 100 * torch.randn(JOINTS, 3, generator=generator(1)), torch.full((JOINTS, 3), 40.)


def batch(size=SIZE, pairs=PAIRS, labelled=LABELLED):
    rows = 2 * pairs + labelled
    images = torch.randint(0, 256, (rows, 3, size, size), dtype=torch.uint8, generator=generator(2))
    poses = 200 * torch.randn(rows, JOINTS, 3, generator=generator(3))
    poses = poses - poses[:, :1]
    poses[:2 * pairs] = 0.
    return images, dict(
        pose=poses, labelled=torch.arange(rows) >= 2 * pairs, index=torch.arange(rows),
        instant=torch.cat([torch.arange(pairs).repeat_interleave(2), 50 + torch.arange(labelled)]))


def picked(images, samples, rows):
    return images[rows], {key: value[rows] for key, value in samples.items()}


@pytest.fixture(autouse=True)
def _scope():
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmviewpose'):
        yield


# ---------------------------------------------------------------------------------------
# Losses


def embeddings_by_hand(model, images):
    """Image by image, in float64."""
    weight = model.backbone.mix.weight.detach().double().numpy()[:, :, 0, 0]
    bias = model.backbone.mix.bias.detach().double().numpy()
    dense = [p.detach().double().numpy() for p in model.embedding_head.dense.parameters()]
    mean, std = np.array([.485, .456, .406]), np.array([.229, .224, .225])
    out = []
    for image in images.double().numpy():
        image = (image / 255 - mean[:, None, None]) / std[:, None, None]
        cells = image.reshape(3, 3, 4, 3, 4).mean((2, 4))
        cells = np.einsum('oc,cyx->oyx', weight, cells) + bias[:, None, None]
        pooled = np.stack([cells[:, :2, :2].max((1, 2)), cells[:, :2, 2].max(1),
                           cells[:, 2, :2].max(1), cells[:, 2, 2]], -1)
        code = dense[0] @ pooled.reshape(-1) + dense[1]
        out.append(code / np.linalg.norm(code))
    return np.stack(out)


def test_both_losses_by_hand():
    model, (images, samples) = build(), batch()
    losses = model(images, samples, 'loss')
    codes = embeddings_by_hand(model, images)
    near = far = 0
    for i in range(PAIRS):
        near += sum((codes[2 * i] - codes[2 * i + 1]) ** 2) / PAIRS
        for j in range(PAIRS):
            if i != j:
                far += np.sqrt(sum((codes[2 * i] - codes[2 * j + 1]) ** 2)) / PAIRS ** 2
    assert losses['loss_metric'].item() == pytest.approx(near - .1 * far, rel=1e-5)
    w1, b1, w2, b2 = (p.detach().double().numpy() for p in model.pose_head.parameters())
    mean, std = (value.double().numpy() for value in statistics())
    error = 0
    for row in range(2 * PAIRS, ROWS):
        out = w1 @ (len(codes[row]) ** .5 * codes[row]) + b1
        out = (w2 @ np.maximum(out, 0) + b2).reshape(16, 3)
        wanted = (samples['pose'][row].double().numpy() - mean)[1:] / std[1:]
        error += np.abs(out - wanted).mean() / LABELLED
    assert losses['loss_pose'].item() == pytest.approx(error, rel=1e-5)
    assert {key for key in losses if 'loss' in key} == {'loss_metric', 'loss_pose'}


def test_pairs_and_labelled_images_are_batches_of_their_own():
    model, (images, samples) = build(), batch()
    model(images, samples, 'loss')
    assert [len(call) for call in model.backbone.calls] == [2 * PAIRS, LABELLED]


def test_labelled_rows_may_stand_anywhere():
    order = [8, 0, 1, 6, 2, 3, 9, 7, 4, 5]
    model, (images, samples) = build(), batch()
    expected = model(images, samples, 'loss')
    losses = model(*picked(images, samples, torch.tensor(order)), 'loss')
    for name, value in expected.items():
        torch.testing.assert_close(losses[name], value)


def test_the_baseline_does_not_look_at_rows_without_labels():
    model, (images, samples) = build(metric_loss=False), batch()
    losses = model(images, samples, 'loss')
    assert set(losses) == {'loss_pose'}
    assert [len(call) for call in model.backbone.calls] == [LABELLED]
    torch.testing.assert_close(losses['loss_pose'], build()(images, samples, 'loss')['loss_pose'])


def test_metric_learning_alone_does_not_look_at_labelled_rows():
    model, (images, samples) = build(pose_head=False), batch()
    losses = model(images, samples, 'loss')
    assert [len(call) for call in model.backbone.calls] == [2 * PAIRS]
    torch.testing.assert_close(losses['loss_metric'],
                               build()(images, samples, 'loss')['loss_metric'])
    assert 'loss_pose' not in losses and not model.wants_statistics


@pytest.mark.parametrize('pairs, labelled, left', [(3, 0, 'metric'), (0, 4, 'pose')])
def test_a_batch_without_labels_or_without_pairs(pairs, labelled, left):
    losses = build()(*batch(pairs=pairs, labelled=labelled), 'loss')
    assert {key for key in losses if 'loss' in key} == {f'loss_{left}'}


def test_weights_are_options_of_losses():
    data = batch()
    once = build()(*data, 'loss')
    more = build(pose_loss=dict(type='mmpose.L1Loss', loss_weight=48.))(*data, 'loss')
    torch.testing.assert_close(more['loss_pose'], 48 * once['loss_pose'])
    torch.testing.assert_close(more['loss_metric'], once['loss_metric'])


def test_the_hardnet_loss_and_what_it_logs():
    model, (images, samples) = build(), batch(pairs=8)
    model.metric_loss = MODELS.build(dict(type='HardnetLoss', alpha=1.2, beta=.05))
    losses = model(images, samples, 'loss')
    codes = torch.from_numpy(embeddings_by_hand(model, images[:16]))
    expected = hardnet_loss(codes[::2], codes[1::2], torch.arange(8), alpha=1.2, beta=.05)
    torch.testing.assert_close(losses['loss_metric'].double(), expected, rtol=1e-4, atol=1e-5)
    near = (codes[::2] - codes[1::2]).norm(dim=-1).mean()
    torch.testing.assert_close(losses['positive_distance'].double(), near, rtol=1e-4, atol=1e-5)
    total, log = model.parse_losses(losses)
    torch.testing.assert_close(total, losses['loss_metric'] + losses['loss_pose'])
    assert {'positive_distance', 'negative_distance'} <= set(log)


@pytest.mark.parametrize('options, rows, error, message', [
    (dict(metric_loss=False), slice(0, 6), UserError, 'no row of the batch is of use'),
    (dict(pose_head=False), slice(6, None), UserError, 'no row of the batch is of use'),
    (dict(), slice(1, None), ValueError, 'must be pairs of views, got 5'),
])
def test_batches_that_cannot_be_learnt_from(options, rows, error, message):
    with pytest.raises(error, match=message):
        build(**options)(*picked(*batch(), rows), 'loss')


def test_nothing_to_learn_and_unknown_modes():
    with pytest.raises(ValueError, match='there is nothing to learn'):
        build(pose_head=False, metric_loss=False)
    with pytest.raises(ValueError, match="must be 'tensor', 'loss' or 'predict', got 'los'"):
        build()(*batch(), 'los')


# ---------------------------------------------------------------------------------------
# Prediction


def test_prediction():
    model, (images, samples) = build(), batch()
    codes = model(images)
    np.testing.assert_allclose(codes.detach().numpy(), embeddings_by_hand(model, images), atol=1e-6)
    prediction, = model(images, samples, 'predict')
    assert set(prediction) == {*samples, 'embedding', 'keypoints', 'target'}
    torch.testing.assert_close(prediction['embedding'], codes)
    torch.testing.assert_close(prediction['keypoints'], model.pose_head.predict(codes))
    assert prediction['keypoints'].shape == (ROWS, JOINTS, 3)
    assert (prediction['keypoints'][:, 0] == 0).all()
    assert torch.equal(prediction['target'], samples['pose'])
    alone, = build(pose_head=False)(images, samples, 'predict')
    assert set(alone) == {*samples, 'embedding', 'target'}
    assert set(model(images, mode='predict')[0]) == {'embedding', 'keypoints'}


def test_bytes_and_values_up_to_1_are_the_same_image():
    model, (images, _) = build(), batch()
    torch.testing.assert_close(model(images), model(images.float() / 255))


def test_metrics_read_the_prediction():
    from mmviewpose.evaluation import PoseErrorMetric
    model, (images, samples) = build(), batch(pairs=0)
    metric = PoseErrorMetric(['mpjpe', 'n-mpjpe', 'pa-mpjpe'])
    with torch.no_grad():
        metric.process(None, model(images, samples, 'predict'))
        found = metric.evaluate(len(images))
    error = (model(images, samples, 'predict')[0]['keypoints'] - samples['pose']).norm(dim=-1)
    assert found['MPJPE'] == pytest.approx(error.mean().item(), rel=1e-5)


# ---------------------------------------------------------------------------------------
# Statistics, checkpoints, weights


def test_without_statistics_it_neither_learns_nor_predicts_poses():
    model, (images, samples) = build(), batch()
    model.pose_head.std.zero_()
    assert model.wants_statistics
    with pytest.raises(UserError, match='PoseStatisticsHook'):
        model(images, samples, 'loss')
    with pytest.raises(UserError, match='PoseStatisticsHook'):
        model(images, samples, 'predict')
    assert model(*picked(images, samples, slice(0, 6)), 'loss')['loss_metric'].isfinite()
    model.set_statistics(*statistics())
    assert not model.wants_statistics
    assert model(images, samples, 'loss')['loss_pose'].isfinite()


def test_a_checkpoint_holds_the_statistics(tmp_path):
    model, (images, samples) = build(), batch()
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'epoch_1.pth')
    new = build(backbone=dict(type=Cells))
    new.pose_head.std.zero_()
    new.load_state_dict(torch.load(tmp_path / 'epoch_1.pth', weights_only=True)['state_dict'])
    torch.testing.assert_close(new(images, samples, 'predict')[0]['keypoints'],
                               model(images, samples, 'predict')[0]['keypoints'])


def test_the_embedding_of_another_training(tmp_path):
    trained = build(pose_head=False)
    nn.init.normal_(trained.backbone.mix.weight)
    path = str(tmp_path / 'epoch_1.pth')
    torch.save(dict(state_dict=trained.state_dict()), path)
    model = build(metric_loss=False, init_cfg=dict(type='Pretrained', checkpoint=path))
    model.init_weights()
    images, _ = batch()
    torch.testing.assert_close(model(images), trained(images))
    torch.save(dict(state_dict=model.pose_head.state_dict()), path)
    with pytest.raises(UserError, match='not a checkpoint of this Cells: weights 2 missing'):
        model.init_weights()


RESNET = dict(type='mmpose.ResNet', depth=18, base_channels=8, stem_channels=8,
              norm_cfg=dict(type='BN', affine=False))


def resnet(backbone=RESNET, size=64, channels=64):
    model = MultiviewEmbeddingRegressor(
        backbone, dict(type='EmbeddingHead', in_channels=channels, image_size=size),
        dict(type='CanonicalPoseHead'), dict(type=Spread))
    model.set_statistics(*statistics())
    return model


def test_batch_normalisation_without_affine_parameters():
    model = resnet()
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(norms) == 20 and not any(list(norm.parameters()) for norm in norms)
    assert all(norm.track_running_stats for norm in norms)
    model.init_weights()
    images, samples = batch(64)
    model.parse_losses(model(images, samples, 'loss'))[0].backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in model.parameters())


@pytest.mark.parametrize('depth, convolutions', [(18, 20), (34, 36)])
def test_imagenets_weights_load_without_their_affine_parameters(depth, convolutions, tmp_path):
    """torchvision's network with all of these at 1 and 0 is the same."""
    models = pytest.importorskip('torchvision.models')
    theirs = getattr(models, f'resnet{depth}')()
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight), nn.init.normal_(module.bias)
            nn.init.normal_(module.running_mean), nn.init.uniform_(module.running_var, .5, 2.)
    torch.save(theirs.state_dict(), tmp_path / 'resnet.pth')
    model = resnet(dict(
        type='mmpose.ResNet', depth=depth, norm_cfg=dict(type='BN', affine=False),
        init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'resnet.pth'))), 224, 512)
    model.init_weights()
    model.eval(), theirs.eval()
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight), nn.init.zeros_(module.bias)
    theirs.fc, theirs.avgpool = nn.Identity(), nn.Identity()
    image = torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        features = model.backbone(image)[-1]
        torch.testing.assert_close(features.flatten(1), theirs(image), rtol=1e-3, atol=1e-3)
        assert features.shape == (1, 512, 7, 7)
        assert model(image).shape == (1, 128)
    count = sum(isinstance(module, nn.Conv2d) for module in model.backbone.modules())
    assert count == convolutions == len(list(model.backbone.parameters()))


# ---------------------------------------------------------------------------------------
# Training


@pytest.mark.parametrize('kind', ['OptimWrapper', 'BFloat16OptimWrapper'])
def test_it_learns(kind):
    model, (images, samples) = resnet(), batch(64)
    poses = samples['pose'][2 * PAIRS:]
    model.set_statistics(poses.mean(0), poses.std(0))
    wrapper = build_optim_wrapper(model, dict(
        type=kind, optimizer=dict(type='Adam', lr=1e-2, betas=(.9, .99))))
    steps = [model.train_step(dict(inputs=images, data_samples=samples), wrapper)
             for _ in range(40)]
    for name in ('loss_pose', 'loss_metric'):
        assert steps[-1][name] < min(.7 * steps[0][name], steps[0][name] - .1), name


def test_mixed_precision_ends_at_the_feature_map():
    model, (images, samples) = resnet(), batch(64)
    expected = model(images, samples, 'loss')
    with torch.autocast('cpu', torch.bfloat16):
        losses = model(images, samples, 'loss')  # Spread looks at the types
        assert model(images).dtype == torch.float32
    for name, value in expected.items():
        assert losses[name].dtype == torch.float32
        torch.testing.assert_close(losses[name], value, rtol=.1, atol=.05)


@pytest.mark.parametrize('options', [dict(), dict(metric_loss=False), dict(pose_head=False)])
def test_every_variant_trains_under_ddp_without_searching_unused_parameters(options, tmp_path):
    torch.distributed.init_process_group('gloo', init_method=f'file://{tmp_path}/store',
                                         rank=0, world_size=1)
    try:
        model = nn.parallel.DistributedDataParallel(build(**options))
        before = copy.deepcopy(model.module.state_dict())
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        for _ in range(2):  # the second step complains of what the first left out
            optimizer.zero_grad()
            model.module.parse_losses(model(*batch(), mode='loss'))[0].backward()
            optimizer.step()
        for name, parameter in model.module.named_parameters():
            assert not torch.equal(parameter, before[name]), name
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.parametrize('name, size', [('', 224), ('_small', 64)])
@pytest.mark.parametrize('schedule', ['adam_mcss', 'muon_mcss_onecycle'])
def test_the_shared_configs(name, size, schedule, root):
    base = root / 'configs' / '_base_'
    cfg = Config.fromfile(base / 'models' / f'multiview_embedding{name}.py').model
    cfg.backbone.pop('init_cfg', None)
    model = MODELS.build(cfg)
    assert (model.metric_loss.alpha, model.metric_loss.beta) == (.6, .3)
    with torch.no_grad():
        found = model.eval()(torch.zeros(1, 3, size, size, dtype=torch.uint8))
    assert found.shape == (1, 128) and model.pose_head(found).shape == (1, 16, 3)
    cfg = Config.fromfile(base / 'schedules' / f'{schedule}.py')
    assert build_optim_wrapper(model, cfg.optim_wrapper).get_lr()['lr'][0] > 0
