import pytest
import torch
from mmengine.registry import DefaultScope

from mmviewpose.registry import MODELS

pytest.importorskip('mmpose')
TINY = dict(depth=18, stem_channels=8, base_channels=8)


@pytest.fixture(autouse=True)
def _scope():
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmviewpose'):
        yield


def build(num_points=5, **backbone):
    return MODELS.build(dict(
        type='ResNetPoseEncoder', num_points=num_points,
        backbone=dict({'type': 'mmpose.ResNet', **TINY}, **backbone)))


@pytest.mark.parametrize('backbone', [
    dict(), dict(depth=34), dict(depth=50), dict(type='mmpose.ResNetV1d'), dict(in_channels=1)])
@pytest.mark.parametrize('size', [48, 64])
def test_any_depth_kind_and_size(backbone, size):
    model = build(**backbone).eval()
    with torch.no_grad():
        assert model(torch.rand(2, backbone.get('in_channels', 3), size, size)).shape == (2, 5, 3)


def test_by_default_it_is_torchvisions_resnet18():
    models = pytest.importorskip('torchvision.models')
    ours = MODELS.build(dict(type='ResNetPoseEncoder')).eval()
    theirs = models.resnet18(num_classes=3 * 70).eval()
    theirs.load_state_dict({key.replace('backbone.', '').replace('dense.', 'fc.'): value
                            for key, value in ours.state_dict().items()})
    images = torch.rand(2, 3, 128, 128)
    with torch.no_grad():
        torch.testing.assert_close(ours(images).flatten(1), theirs(images))


def test_init_weights_reaches_the_network():
    model = MODELS.build(dict(type='PoseImageBackbone', network=dict(
        type='ResNetPoseEncoder', backbone=dict(type='mmpose.ResNet', **TINY))))
    weight = model.network.backbone.conv1.weight
    torch.nn.init.zeros_(weight)
    model.init_weights()
    deviation = (2 / (8 * 7 ** 2)) ** .5  # Kaiming's, by the outputs
    assert abs(weight.std().item() / deviation - 1) < .1


def test_the_auto_encoder_trains_it_and_the_downstream_model_takes_it_over(tmp_path):
    encoder = dict(type='ResNetPoseEncoder', num_points=6,
                   backbone=dict(type='mmpose.ResNet', **TINY))
    size = dict(image_size=48)
    model = MODELS.build(dict(
        type='ViewAutoEncoder', pose_encoder=encoder,
        view_encoder=dict(type='ViewpointEncoder', channels=(4, 4), hidden=8, **size),
        decoder=dict(type='PoseImageDecoder', num_points=6, width=4, **size)))
    images = torch.rand(3, 2, 3, 48, 48)
    losses = model(dict(images=images, partner=images, shifted=images),
                   dict(shift=torch.zeros(3, 2, 2)), mode='loss')
    model.parse_losses(losses)[0].backward()
    assert model.pose_encoder.backbone.conv1.weight.grad.abs().max() > 0
    path = str(tmp_path / 'epoch_1.pth')
    torch.save(dict(state_dict=model.state_dict()), path)
    backbone = MODELS.build(dict(
        type='PoseImageBackbone', network=encoder,
        init_cfg=dict(type='Pretrained', checkpoint=path, prefix='pose_encoder.')))
    backbone.init_weights()
    model.eval()
    backbone.eval()
    with torch.no_grad():
        torch.testing.assert_close(backbone(images[:, 0]), model(images[:, 0]).flatten(1))
    assert backbone.out_channels == 18
