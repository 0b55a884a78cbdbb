import re

import pytest
import torch
from torch import nn

from mmviewpose.layers.view_autoencoder import (PoseImageDecoder, PoseImageEncoder,
                                                ViewpointEncoder, as_images)


def build(kind, **options):
    torch.manual_seed(0)
    small = dict(image_size=48)
    if kind is not ViewpointEncoder:
        small.update(num_points=5, width=4)
    return kind(**{**small, **options})


def images(count=3, size=48, channels=3):
    return torch.rand(count, channels, size, size, generator=torch.Generator().manual_seed(1))


# ---------------------------------------------------------------------------------------
# Table 1


def named(module):
    """A layer in Table 1's words, with the channels that go in."""
    if isinstance(module, nn.Conv2d):
        words = 'C2' + '/2' * (module.stride == (2, 2)) + ' same' * (module.padding == (1, 1))
        return f'{words} {module.kernel_size[0]} {module.in_channels}-{module.out_channels}'
    if isinstance(module, nn.ConvTranspose2d):
        assert module.stride == (2, 2)
        return f'CT2 {module.kernel_size[0]} {module.in_channels}-{module.out_channels}'
    if isinstance(module, nn.Linear):
        return f'FC {module.in_features}-{module.out_features}'
    return {nn.BatchNorm2d: lambda m: f'BN {m.num_features}', nn.ReLU: lambda m: 'ReLU',
            nn.MaxPool2d: lambda m: f'MP {m.kernel_size}', nn.Dropout: lambda m: f'Drp {m.p}',
            nn.Tanh: lambda m: 'tanh', nn.Sigmoid: lambda m: 'sigmoid'}[type(module)](module)


def layers(*parts):
    """Layers that compute something, in their order."""
    return [named(module) for part in parts for module in part
            if not isinstance(module, (nn.Flatten, nn.Unflatten))]


def pair(kernel, before, channels, second_norm=True):
    rows = []
    for place, width in enumerate((before, channels)):
        rows += [f'{kernel} {width}-{channels}']
        rows += [f'BN {channels}'] * (place == 0 or second_norm) + ['ReLU']
    return rows


def on_paper(kind):
    """The paper's sizes take 130 million weights: shapes only."""
    with torch.device('meta'):
        return kind()


def test_the_pose_encoder_of_table_1():
    model = on_paper(PoseImageEncoder)
    assert layers(model.layers) == [
        *pair('C2 same 3', 3, 64), 'MP 2', *pair('C2 same 3', 64, 128), 'MP 2',
        *pair('C2 same 3', 128, 256), 'MP 2', *pair('C2 same 3', 256, 512, second_norm=False),
        'FC 131072-1024', 'ReLU', 'FC 1024-512', 'ReLU', 'FC 512-210']
    assert model(images(2, 128).to('meta')).shape == (2, 70, 3)
    # a bias where no batch normalisation follows
    convolutions = [module for module in model.layers if isinstance(module, nn.Conv2d)]
    assert [module.bias is None for module in convolutions] == [True] * 7 + [False]


def test_with_a_spread_all_images_begin_with_one_pose_of_that_size():
    torch.manual_seed(0)
    model = PoseImageEncoder(image_size=16, width=2, hidden=(8,), num_points=400, spread=2.)
    poses = model(images(3, 16)).detach()
    assert 1.8 < poses.std() < 2.2
    assert poses.std(0).max() < .5


def test_the_viewpoint_encoder_of_table_1():
    model = on_paper(ViewpointEncoder)

    def five(before, channels):  # without padding, stride 2 first
        rows = pair('C2 5', before, channels)
        return ['C2/2' + rows[0][2:], *rows[1:]]

    assert layers(model.layers) == [
        *five(3, 128), *five(128, 256), 'MP 7', 'FC 2304-512', 'ReLU', 'Drp 0.3', 'FC 512-6']
    assert model(images(2, 128).to('meta')).angles.shape == (2, 3)


def test_the_decoder_of_table_1():
    model = on_paper(PoseImageDecoder)
    assert layers(model.dense) == ['FC 210-131072', 'ReLU', 'Drp 0.3']
    ups = [[f'CT2 3 {before}-{width}', f'BN {width}', 'ReLU', f'C2 same 3 {width}-{width}',
            f'BN {width}', 'ReLU'] for before, width in ((256, 128), (128, 64), (64, 3))]
    assert layers(model.layers) == [*pair('C2 same 3', 512, 256), *sum(ups, []), 'tanh']
    poses = torch.empty(2, 70, 3, device='meta')
    assert model.dense(poses).shape == (2, 512, 16, 16)
    assert model(poses).shape == (2, 3, 128, 128)


@pytest.mark.parametrize('size', [48, 64, 72, 96, 128])
def test_viewpoints_are_pooled_to_three_by_three(size):
    model = build(ViewpointEncoder, image_size=size, channels=(4, 6))
    pooling = next(place for place, module in enumerate(model.layers)
                   if isinstance(module, nn.MaxPool2d))
    assert model.layers[:pooling + 1](images(2, size)).shape == (2, 6, 3, 3)


def test_the_published_codes_viewpoint_encoder():
    with torch.device('meta'):
        model = ViewpointEncoder(channels=(128, 128), hidden=256)
    assert layers(model.layers)[-5:] == ['MP 7', 'FC 1152-256', 'ReLU', 'Drp 0.3', 'FC 256-6']


# ---------------------------------------------------------------------------------------
# What comes out


@pytest.mark.parametrize('size', [8, 24, 40])
def test_shapes_of_poses_and_images(size):
    encoder = build(PoseImageEncoder, image_size=size, in_channels=2, hidden=(16, ))
    poses = encoder(images(3, size, 2))
    assert poses.shape == (3, 5, 3) and encoder.num_points == 5
    for output in ('tanh', 'sigmoid'):
        decoder = build(PoseImageDecoder, image_size=size, out_channels=2, output=output)
        assert decoder(poses).shape == (3, 2, size, size)


@pytest.mark.parametrize('size', [48, 56, 80])
def test_shapes_of_viewpoints(size):
    model = build(ViewpointEncoder, image_size=size, channels=(4, ) * 2, hidden=8, in_channels=1)
    found = model(images(3, size, 1))
    assert found.angles.shape == found.translation.shape == (3, 3)
    assert found.angles.std() > 0 and found.translation.std() > 0


@pytest.mark.parametrize('output', ['tanh', 'sigmoid'])
def test_decoded_images_lie_between_0_and_1(output):
    decoder = build(PoseImageDecoder, output=output)
    poses = 30 * torch.randn(8, 5, 3, generator=torch.Generator().manual_seed(2))
    decoded = decoder(poses)
    assert decoded.min() >= 0 and decoded.max() <= 1 and decoded.std() > 0
    assert torch.equal(decoder.layers[-1](torch.tensor([-9e9, 9e9])),
                       torch.tensor([-1. if output == 'tanh' else 0., 1.]))


def test_the_sigmoid_form_ends_at_the_width_of_the_pair_before_and_starts_dark():
    model = build(PoseImageDecoder, output='sigmoid')
    assert layers(model.layers)[-5:] == [
        'CT2 3 4-4', 'BN 4', 'ReLU', 'C2 same 3 4-3', 'sigmoid']
    assert layers(model.layers)[:-5] == layers(build(PoseImageDecoder).layers)[:-7]
    assert model(torch.zeros(4, 5, 3)).mean() < .3
    loss = model(torch.randn(4, 5, 3)).mean()
    loss.backward()
    assert all(weight.grad.abs().max() > 0 for weight in model.parameters()
               if weight.ndim > 1), 'learns from the first step on'


def test_evaluation_is_the_same_twice_and_training_drops():
    poses = torch.randn(4, 5, 3, generator=torch.Generator().manual_seed(3))
    for model, inputs in ((build(ViewpointEncoder, channels=(4, 4), hidden=8), images()),
                          (build(PoseImageDecoder), poses)):
        def first(model=model, inputs=inputs):
            found = model(inputs)
            return found if isinstance(found, torch.Tensor) else found.angles
        assert not torch.equal(first(), first())
        model.eval()
        assert torch.equal(first(), first())
        alone = model(inputs[:1])
        torch.testing.assert_close(alone if isinstance(alone, torch.Tensor) else alone.angles,
                                   first()[:1])


def test_every_weight_learns():
    encoder, view = build(PoseImageEncoder, hidden=(8, )), build(ViewpointEncoder, channels=(4, 4))
    decoder = build(PoseImageDecoder, output='sigmoid')
    found = view(images())
    decoded = decoder(encoder(images()) + found.angles[:, None] + found.translation[:, None])
    (decoded - images()).square().mean().backward()
    for model in (encoder, view, decoder):
        for name, weight in model.named_parameters():
            assert weight.grad is not None and weight.grad.isfinite().all(), name
            if weight.ndim > 1:
                assert weight.grad.abs().max() > 0, name


def test_bytes_become_values():
    pixels = torch.randint(256, (2, 3, 8, 8), dtype=torch.uint8)
    found = as_images(pixels)
    torch.testing.assert_close(found, pixels.float() / 255)
    assert found.dtype == torch.float32
    values = images(2, 8)
    assert torch.equal(as_images(values), values)
    for part in (found, as_images(values)):
        assert part.is_contiguous(memory_format=torch.channels_last)


# ---------------------------------------------------------------------------------------
# Wrong arguments


@pytest.mark.parametrize('kind, least', [(PoseImageEncoder, 8), (PoseImageDecoder, 8),
                                         (ViewpointEncoder, 48)])
def test_wrong_sizes(kind, least):
    build(kind, image_size=least)
    for size in (0, least - 8, least + 4, 100, -48):
        with pytest.raises(ValueError, match=f'multiple of 8 from {least} on, got {size}'):
            build(kind, image_size=size)


def test_unknown_output():
    with pytest.raises(ValueError, match=re.escape("('tanh', 'sigmoid'), got 'relu'")):
        build(PoseImageDecoder, output='relu')


def test_without_a_spread_images_begin_with_nearly_no_pose():
    plain, encoder = build(PoseImageEncoder), build(PoseImageEncoder, spread=1.)
    assert encoder.output is encoder.layers[-1] and encoder.output.out_features == 15
    with torch.no_grad():
        poses, others = encoder.eval()(images()), plain.eval()(images())
    assert poses.mean(0).std() > .5 > others.mean(0).std()
    assert poses.std(0).max() < .1
