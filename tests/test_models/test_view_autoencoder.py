import pytest
import torch
from torch import nn

from mmviewpose.functional import equivariance_loss, view_reconstruction_loss
from mmviewpose.geometry import pose_in_view
from mmviewpose.layers.view_autoencoder import Viewpoint
from mmviewpose.models import ViewAutoEncoder
from mmviewpose.registry import MODELS

POINTS, SIDE = 4, 6
TERMS = dict(swap='loss_swap', equivariance='loss_equivariance', view_bias='loss_view_bias')
ALL = dict(swap=1., equivariance=.001, reconstruction=1., view_bias=.5)
NONE = dict.fromkeys(ALL, 0.)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


# ---------------------------------------------------------------------------------------
# Networks that know the answers


def painted(seen):
    """View-specific poses ``(..., N, 3)`` as images ``(..., 3, SIDE, SIDE)``."""
    flat = seen.flatten(-2)
    space = flat.new_zeros(*flat.shape[:-1], 3 * SIDE**2 - flat.shape[-1])
    return torch.cat([flat, space], -1).unflatten(-1, (3, SIDE, SIDE))


class Painter(nn.Module):
    """A decoder whose images say what it was given."""

    def forward(self, poses):
        return painted(poses)


class Memory(nn.Module):
    """An encoder that has seen all images and knows their codes."""

    def __init__(self, images, codes):
        super().__init__()
        self.images, self.codes = images.flatten(1), codes

    def forward(self, images):
        same = (images.flatten(1)[:, None] == self.images).all(-1)
        assert same.any(1).all()
        code = self.codes[same.int().argmax(1)]
        return Viewpoint(*code.split(3, -1)) if code.shape[-1] == 6 else code


def scene(moments=5, views=2, odd=0.):
    """Images of moments that fit a perfect auto-encoder, and what it knows.

    Each moment is a clip of its own: a camera's rotation belongs to the clip. View 1 of moment 2
    finds a pose that is off by ``odd``.
    """
    source = generator()
    poses, other = torch.randn(2, moments, 1, POINTS, 3, generator=source).repeat(
        1, 1, views, 1, 1).unbind(0)
    poses[2, 1] += odd
    angles = 2 * torch.randn(moments, views, 3, generator=source)
    places = torch.randn(2, moments, views, 3, generator=source)
    shift = torch.randn(moments, views, 2, generator=source)
    moved = places[0] + torch.cat([shift, torch.zeros(moments, views, 1)], -1)
    parts = [('images', poses, places[0]), ('partner', other, places[1]),
             ('shifted', poses, moved)]
    inputs = {name: painted(pose_in_view(pose, angles, place)) for name, pose, place in parts}
    bank = torch.cat([inputs[name].flatten(0, 1) for name, _, _ in parts])
    seen = torch.cat([pose.flatten(0, 1) for _, pose, _ in parts])
    viewpoints = torch.cat([torch.cat([angles, place], -1).flatten(0, 1)
                            for _, _, place in parts])
    networks = dict(pose_encoder=dict(type=Memory, images=bank, codes=seen),
                    view_encoder=dict(type=Memory, images=bank, codes=viewpoints),
                    decoder=dict(type=Painter))
    return networks, inputs, dict(shift=shift, index=torch.arange(moments))


@pytest.mark.parametrize('views', [2, 3])
def test_a_perfect_auto_encoder_costs_nothing(views):
    networks, inputs, samples = scene(views=views)
    model = ViewAutoEncoder(**networks, **dict(ALL, equivariance=1.))
    for _ in range(5):  # whichever rotation and exchange are drawn
        losses = model(inputs, samples, 'loss')
        assert len(losses) == 5
        for name, loss in losses.items():
            assert loss.ndim == 0 and loss < 1e-9, name
    prediction, = model(inputs, samples, 'predict')
    for name in ('reconstruction', 'swapped'):
        torch.testing.assert_close(prediction[name], inputs['images'], atol=1e-4, rtol=0)


def test_a_pose_that_another_view_sees_otherwise_costs_by_the_exchange_alone():
    networks, inputs, samples = scene(odd=.3)
    model = ViewAutoEncoder(**networks, rotation_from=dict(own=1), **ALL)
    losses = model(inputs, samples, 'loss')
    assert losses['loss_reconstruction'] < 1e-9 and losses['loss_shifted'] < 1e-9
    # both views paint what the other found: a rotation keeps the size of the difference
    square = POINTS * 3 * .3**2
    assert losses['loss_swap'].item() == pytest.approx(2 * square / (3 * SIDE**2) / 5, rel=1e-4)
    # its view's mean is off by .06, each view's by half of that from the mean of both
    assert losses['loss_view_bias'].item() == pytest.approx(.5 * .03**2, rel=1e-4)


def test_the_equivariance_loss_alone_sees_the_shift():
    networks, inputs, samples = scene()
    model = ViewAutoEncoder(**networks, equivariance=2.)
    samples['shift'] = samples['shift'] + torch.tensor([.1, 0.])
    losses = model(inputs, samples, 'loss')
    assert losses.pop('loss_equivariance').item() == pytest.approx(2 * 2 * .1**2 / 3, rel=1e-4)
    assert max(losses.values()) < 1e-9


# ---------------------------------------------------------------------------------------
# Networks that can be recomputed by hand


class PoseOf(nn.Module):
    """A linear encoder without batch statistics, which counts its calls."""

    def __init__(self, numbers=3 * POINTS, seed=1):
        super().__init__()
        self.layer = nn.Linear(3 * SIDE**2, numbers)
        self.layer.weight.data.normal_(0., .1, generator=generator(seed))
        self.layer.bias.data.zero_()
        self.calls = []

    def forward(self, images):
        self.calls.append(images.detach().clone())
        return self.layer(images.flatten(1)).unflatten(-1, (-1, 3))


class ViewOf(PoseOf):

    def __init__(self):
        super().__init__(6, 2)

    def forward(self, images):
        return Viewpoint(*super().forward(images).unbind(1))


class ImageOf(nn.Module):

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3 * POINTS, 3 * SIDE**2)
        self.layer.weight.data.normal_(0., .3, generator=generator(3))
        self.layer.bias.data.zero_()
        self.calls = []

    def forward(self, poses):
        self.calls.append(poses.detach().clone())
        return self.layer(poses.flatten(1)).unflatten(-1, (3, SIDE, SIDE))


def build(**options):
    return ViewAutoEncoder(dict(type=PoseOf), dict(type=ViewOf), dict(type=ImageOf), **options)


def batch(moments=5, views=2, names=('images', 'partner', 'shifted')):
    pictures = torch.rand(len(names), moments, views, 3, SIDE, SIDE, generator=generator(7))
    shift = torch.randn(moments, views, 2, generator=generator(8))
    return dict(zip(names, pictures)), dict(shift=shift, index=torch.arange(moments))


@pytest.mark.parametrize('source', ['own', 'partner', 'shifted'])
def test_every_term_by_hand(source):
    """View by view and moment by moment, each network on one image at a time."""
    model = build(rotation_from={source: 1.}, **ALL)
    inputs, samples = batch()
    losses = model(inputs, samples, 'loss')
    place = dict(own='images', partner='partner', shifted='shifted')[source]

    def codes(name, b, v):
        image = inputs[name][b, v][None]
        return model.pose_encoder(image)[0], model.view_encoder(image)

    wanted, means = dict.fromkeys(losses, 0.), [0., 0.]
    for b in range(5):
        for v in range(2):
            pose, (_, translation) = codes('images', b, v)
            moved_pose, (_, moved_to) = codes('shifted', b, v)
            other, _ = codes('images', b, 1 - v)
            angles = codes(place, b, v)[1].angles[0]
            seen = pose_in_view(pose, angles, translation[0])
            swapped = pose_in_view(other, angles, translation[0])
            moved = pose_in_view(moved_pose, angles, moved_to[0])

            def error(seen, name, b=b, v=v):
                return (model.decoder(seen[None])[0] - inputs[name][b, v]).square().mean() / 5
            wanted['loss_reconstruction'] += error(seen, 'images')
            wanted['loss_shifted'] += error(moved, 'shifted')
            wanted['loss_swap'] += error(swapped, 'images')
            shift = torch.cat([samples['shift'][b, v], torch.zeros(1)])
            wanted['loss_equivariance'] += .001 * (seen + shift - moved).square().mean() / 5
            means[v] = means[v] + pose / 5
    wanted['loss_view_bias'] = .5 * ((means[0] - means[1]) / 2).square().mean()
    for name, value in wanted.items():
        torch.testing.assert_close(losses[name], value, msg=name)
        assert value > 1e-5


def test_every_network_runs_once_a_step():
    model = build(**ALL)
    inputs, samples = batch()
    model(inputs, samples, 'loss')
    parts = (model.pose_encoder, model.view_encoder, model.decoder)
    assert [len(part.calls) for part in parts] == [1, 1, 1]
    # poses of images and shifted images; viewpoints of partners as well; three kinds of pictures
    assert [len(part.calls[0]) for part in parts] == [2 * 10, 3 * 10, 3 * 10]
    images = torch.cat([inputs[name].flatten(0, 1) for name in ('images', 'shifted', 'partner')])
    torch.testing.assert_close(model.pose_encoder.calls[0], images[:20])
    torch.testing.assert_close(model.view_encoder.calls[0], images)
    model(inputs, samples, 'predict')
    assert [len(part.calls) for part in parts] == [2, 2, 2]


@pytest.mark.parametrize('options, pictures, terms', [
    (dict(), 3, {'loss_swap', 'loss_equivariance', 'loss_reconstruction', 'loss_shifted'}),
    # Table 5
    (dict(swap=0, equivariance=0), 2, {'loss_reconstruction', 'loss_shifted'}),
    (dict(swap=0), 2, {'loss_equivariance', 'loss_reconstruction', 'loss_shifted'}),
    (dict(equivariance=0), 3, {'loss_swap', 'loss_reconstruction', 'loss_shifted'}),
    # and others
    (dict(reconstruction=0), 1, {'loss_swap', 'loss_equivariance'}),
    (dict(reconstruction=0, swap=0), 0, {'loss_equivariance'}),
    (dict(NONE, view_bias=1.), 0, {'loss_view_bias'}),
    (dict(view_bias=1.), 3, {'loss_swap', 'loss_equivariance', 'loss_reconstruction',
                               'loss_shifted', 'loss_view_bias'}),
])
def test_a_switch_removes_its_term_and_its_work_alone(options, pictures, terms):
    inputs, samples = batch()
    everything = build(rotation_from=dict(own=1), **dict(ALL, view_bias=1.))
    expected = everything(inputs, samples, 'loss')
    model = build(rotation_from=dict(own=1), **options)
    losses = model(inputs, samples, 'loss')
    assert set(losses) == terms
    assert [len(call) for call in model.decoder.calls] == [10 * pictures] * (pictures > 0)
    for name in terms:
        torch.testing.assert_close(losses[name], expected[name])


def test_weights_are_factors():
    inputs, samples = batch()
    once, more = (build(rotation_from=dict(own=1), **{key: factor * value
                                                      for key, value in ALL.items()})
                  (inputs, samples, 'loss') for factor in (1, 3))
    for name, loss in once.items():
        torch.testing.assert_close(more[name], 3 * loss)


# ---------------------------------------------------------------------------------------
# Eq. 1: where the rotations come from


class Number(nn.Module):
    """Angles that say which image they are of."""

    def forward(self, images):
        number = images.flatten(1)[:, :1]
        return Viewpoint(number.expand(-1, 3), -number.expand(-1, 3))


@pytest.mark.parametrize('chances, expected', [
    (None, (.5, 0., .5)), (dict(own=1, partner=1, shifted=1), (1 / 3, 1 / 3, 1 / 3)),
    (dict(own=3, shifted=1), (.75, .25, 0.)), (dict(partner=2.), (0., 0., 1.)),
    (dict(own=1.), (1., 0., 0.))])
def test_where_the_rotation_comes_from(chances, expected):
    """One choice for both views of a moment, another for each moment; translations are own."""
    model = ViewAutoEncoder(dict(type=PoseOf), dict(type=Number), dict(type=ImageOf),
                            rotation_from=chances)
    moments, views = 3000, 2
    groups = 3 if expected[2] else 2
    own = torch.arange(groups * moments * views).view(groups, moments, views)
    pictures = own.flatten()[:, None, None, None].float().expand(-1, 3, SIDE, SIDE)
    torch.manual_seed(0)
    codes = model.encode(pictures, (moments, views))
    torch.testing.assert_close(codes.translation, -own[0, ..., None].float().expand(-1, -1, 3))
    torch.testing.assert_close(codes.shifted_translation,
                               -own[1, ..., None].float().expand(-1, -1, 3))
    number = codes.angles[..., 0].long()
    assert torch.equal(number % (moments * views), own[0]), 'the same clip and view'
    group = number // (moments * views)
    assert torch.equal(group[:, 0], group[:, 1])
    found = torch.stack([(group[:, 0] == g).double().mean() for g in range(3)])
    assert (found - torch.tensor(expected)).abs().max() < .04
    if max(expected) < 1:
        order = group[:, 0].double()
        assert abs(torch.corrcoef(torch.stack([order[1:], order[:-1]]))[0, 1]) < .06


def test_partners_are_asked_for_only_where_rotations_come_from_them():
    inputs, samples = batch(names=('images', 'shifted'))
    for chances in (dict(own=1), dict(own=1, shifted=2, partner=0)):
        model = build(rotation_from=chances)
        assert model(inputs, samples, 'loss')
        assert len(model.view_encoder.calls[0]) == 20
    with pytest.raises(KeyError, match='partner'):
        build()(inputs, samples, 'loss')


@pytest.mark.parametrize('chances', [dict(), dict(own=0.), dict(other=1.), dict(own=1, swapped=1)])
def test_unknown_places_of_rotations_are_refused(chances):
    with pytest.raises(ValueError, match='rotation_from must weigh some of'):
        build(rotation_from=chances)


def test_chances_are_no_weights():
    assert not any('chances' in key for key in build().state_dict())
    assert set(build().state_dict()) == set(build(rotation_from=dict(own=1)).state_dict())


# ---------------------------------------------------------------------------------------
# Exchange of poses


def test_the_exchanged_pose_is_seen_by_the_view_itself():
    model = build(rotation_from=dict(own=1), reconstruction=0.)
    inputs, samples = batch()
    model(inputs, samples, 'loss')
    poses = model.pose_encoder(inputs['images'].flatten(0, 1)).unflatten(0, (5, 2))
    angles, places = (part.unflatten(0, (5, 2))
                      for part in model.view_encoder(inputs['images'].flatten(0, 1)))
    decoded = model.decoder.calls[0].unflatten(0, (5, 2))
    torch.testing.assert_close(decoded, pose_in_view(poses[:, [1, 0]], angles, places))
    prediction, = model(inputs, samples, 'predict')
    torch.testing.assert_close(
        prediction['swapped'], model.decoder(decoded.flatten(0, 1)).unflatten(0, (5, 2)))


def test_three_views_get_the_pose_of_any_other():
    model = build(rotation_from=dict(own=1), reconstruction=0., equivariance=0.)
    inputs, samples = batch(views=3)
    poses = model.pose_encoder(inputs['images'].flatten(0, 1)).unflatten(0, (5, 3))
    angles, places = (part.unflatten(0, (5, 3))
                      for part in model.view_encoder(inputs['images'].flatten(0, 1)))
    possible = [pose_in_view(poses[:, order], angles, places)
                for order in ([1, 2, 0], [2, 0, 1])]
    torch.manual_seed(0)
    drawn = []
    for _ in range(16):
        assert set(model(inputs, samples, 'loss')) == {'loss_swap'}
        decoded = model.decoder.calls[-1].unflatten(0, (5, 3))
        errors = [(decoded - way).abs().max() for way in possible]
        assert min(errors) < 1e-5
        drawn.append(errors[0] < errors[1])
    assert 2 < sum(drawn) < 14
    prediction, = model(inputs, samples, 'predict')
    assert prediction['swapped'].shape == (5, 3, 3, SIDE, SIDE)
    torch.testing.assert_close(prediction['swapped'].flatten(0, 1),
                               model.decoder(possible[0].flatten(0, 1)))


# ---------------------------------------------------------------------------------------
# The networks of the paper, small


def small(**options):
    torch.manual_seed(0)
    networks = dict(
        pose_encoder=dict(type='PoseImageEncoder', width=4, hidden=(32, ), num_points=10),
        view_encoder=dict(type='ViewpointEncoder', channels=(4, 8), hidden=16, dropout=0.),
        decoder=dict(type='PoseImageDecoder', width=4, num_points=10, dropout=0.,
                     output='sigmoid'))
    return MODELS.build(dict(type='ViewAutoEncoder', **{
        name: dict(network, image_size=48) for name, network in networks.items()}, **options))


def blobs(moments=6, views=2):
    """A bright disk on black, uint8, and shifted by 4 px to the right and 2 px down."""
    grid = torch.arange(48.)
    middle = 16 + 12 * torch.rand(3, moments, views, 2, 1, 1, generator=generator(4))
    middle[2] = middle[0] + torch.tensor([4., 2.])[:, None, None]
    inside = ((grid - middle[..., 0, :, :])**2 + (grid[:, None] - middle[..., 1, :, :])**2) < 64
    pictures = (200 * inside).byte()[..., None, :, :].expand(-1, -1, -1, 3, -1, -1).contiguous()
    shift = torch.tensor([8 / 48, 4 / 48]).expand(moments, views, 2)
    return (dict(zip(('images', 'partner', 'shifted'), pictures)),
            dict(shift=shift, index=torch.arange(moments)))


def test_bytes_and_values_agree():
    inputs, samples = blobs()
    values = {name: part.float() / 255 for name, part in inputs.items()}
    model = small()
    found = []
    for given in (inputs, values):
        torch.manual_seed(1)
        found.append(model(given, samples, 'loss'))
    for name, loss in found[0].items():
        torch.testing.assert_close(loss, found[1][name])
    model.eval()
    (first, ), (second, ) = (model(given, samples, 'predict') for given in (inputs, values))
    for name in ('images', 'reconstruction', 'swapped', 'pose', 'viewpoint'):
        torch.testing.assert_close(first[name], second[name])
    torch.testing.assert_close(model(inputs['images'][0]), model(values['images'][0]))


def test_modes():
    inputs, samples = blobs()
    samples.update(camera=torch.tensor([[2, 3]] * 6), clip=torch.arange(6))
    model = small().eval()
    poses = model(inputs['images'].flatten(0, 1))
    assert poses.shape == (12, 10, 3)
    prediction, = model(inputs, samples, 'predict')
    assert set(prediction) >= {'images', 'reconstruction', 'swapped', 'pose', 'viewpoint', 'index',
                               'shift', 'camera', 'clip'}
    for name in ('images', 'reconstruction', 'swapped'):
        assert prediction[name].shape == (6, 2, 3, 48, 48)
        assert 0 <= prediction[name].min() and prediction[name].max() <= 1
    torch.testing.assert_close(prediction['pose'].flatten(0, 1), poses)
    torch.testing.assert_close(prediction['images'], inputs['images'].float() / 255)
    assert prediction['viewpoint'].shape == (6, 2, 6)
    angles, places = prediction['viewpoint'].split(3, -1)
    seen = pose_in_view(prediction['pose'], angles, places)
    torch.testing.assert_close(prediction['reconstruction'].flatten(0, 1),
                               model.decoder(seen.flatten(0, 1)), atol=1e-5, rtol=1e-5)
    assert torch.equal(prediction['index'], samples['index'])
    with pytest.raises(ValueError, match="mode must be .* got 'train'"):
        model(inputs, samples, 'train')


def test_losses_are_those_of_what_is_predicted():
    inputs, samples = blobs()
    model = small(rotation_from=dict(own=1)).eval()
    losses = model(inputs, samples, 'loss')
    prediction, = model(inputs, samples, 'predict')
    for loss, name in (('loss_reconstruction', 'reconstruction'), ('loss_swap', 'swapped')):
        torch.testing.assert_close(
            losses[loss], view_reconstruction_loss(prediction[name], prediction['images']))
    # shifted images have a place of their own and the rotation of the image
    torch.testing.assert_close(losses['loss_shifted'], view_reconstruction_loss(
        prediction['shifted_reconstruction'], prediction['shifted']))
    moved, = model(dict(images=inputs['shifted']), samples, 'predict')
    assert not {'shifted', 'shifted_reconstruction'} & set(moved)
    torch.testing.assert_close(prediction['shifted'], moved['images'])
    angles, places = prediction['viewpoint'].split(3, -1)
    _, moved_to = moved['viewpoint'].split(3, -1)
    torch.testing.assert_close(losses['loss_equivariance'], .001 * equivariance_loss(
        pose_in_view(prediction['pose'], angles, places),
        pose_in_view(moved['pose'], angles, moved_to), samples['shift']))


def test_turned_poses():
    model = small().eval()
    poses, viewpoints = (torch.randn(3, *shape, generator=generator(5)) for shape in (
        (10, 3), (6, )))
    degrees = torch.tensor([0., 90., -40.])
    turned, shown = model.turn(poses, viewpoints, degrees)
    assert turned.shape == (3, 3, 10, 3) and shown.shape == (3, 3, 3, 48, 48)
    angles, place = viewpoints.split(3, -1)
    seen = pose_in_view(poses, angles, place)
    own = seen - place[:, None]
    torch.testing.assert_close(turned[:, 0], own)
    # a quarter turn about the vertical takes what is deep to the right; heights stay
    torch.testing.assert_close(turned[:, 1], torch.stack([own[..., 2], own[..., 1], -own[..., 0]],
                                                         -1), atol=1e-5, rtol=1e-5)
    for way in range(3):
        torch.testing.assert_close(shown[:, way], model.decoder(turned[:, way] + place[:, None]),
                                   atol=1e-5, rtol=1e-5)


def test_a_few_steps_lower_the_loss():
    inputs, samples = blobs()
    model = small(equivariance=.01)
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    history = []
    for step in range(30):
        losses = model(inputs, samples, 'loss')
        total = sum(losses.values())
        optimizer.zero_grad()
        total.backward()
        if step == 0:
            for part in (model.pose_encoder, model.view_encoder, model.decoder):
                assert all(weight.grad is not None and weight.grad.isfinite().all()
                           for weight in part.parameters())
        optimizer.step()
        history.append({name: loss.item() for name, loss in losses.items()})
    for name in ('loss_swap', 'loss_reconstruction', 'loss_shifted'):
        assert history[-1][name] < .7 * history[0][name], name


def test_images_keep_their_channels_last():
    model = small()
    assert model.decoder.layers[0].weight.is_contiguous(memory_format=torch.channels_last)
    seen = []
    model.pose_encoder.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    inputs, samples = blobs()
    model(inputs, samples, 'loss')
    assert seen[0].is_contiguous(memory_format=torch.channels_last)


def test_one_view_has_none_to_exchange_with():
    inputs, samples = batch()
    inputs = {name: images[:, :1] for name, images in inputs.items()}
    samples = {name: value[:, :1] if name == 'shift' else value
               for name, value in samples.items()}
    with pytest.raises(ValueError, match='one view of a moment has none to exchange'):
        build()(inputs, samples, 'loss')
    assert set(build(swap=0)(inputs, samples, 'loss')) == {
        'loss_reconstruction', 'loss_shifted', 'loss_equivariance'}


def test_negative_chances_are_refused():
    with pytest.raises(ValueError, match='rotation_from'):
        build(rotation_from=dict(own=2., partner=-1.))
