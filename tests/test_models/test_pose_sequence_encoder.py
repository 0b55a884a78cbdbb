import math

import pytest
import torch

from mmviewpose.geometry.rotation import axis_angle_to_matrix, rotate
from mmviewpose.models import PoseSequenceEncoder, SiameseAutoEncoder
from mmviewpose.registry import MODELS

ENCODER = dict(type='SeBiReNetEncoder', hidden_channels=6, feature_channels=4)


def build(**options):
    torch.manual_seed(0)
    return PoseSequenceEncoder(hidden_channels=8, **options)


def sequences(*shape, seed=1):
    """People who drift: ``(*shape, 17, 3)`` in mm."""
    torch.manual_seed(seed)
    pose = 300 * torch.randn(*shape[:-1], 1, 17, 3)
    drift = 40 * torch.randn(*shape, 1, 3).cumsum(-3)
    return pose + drift + 20 * torch.randn(*shape, 17, 3)


def yaw(degrees):
    return axis_angle_to_matrix(torch.tensor([0., 1., 0.]), torch.tensor(math.radians(degrees)))


@pytest.mark.parametrize('options, width', [
    (dict(), 51 + 3), (dict(translation=None, poses='raw'), 51), (dict(encoder=ENCODER), 68 + 3),
    (dict(poses='normalised', translation='root'), 51 + 3)])
@pytest.mark.parametrize('temporal, frames', [('all', 6), ('last', 1)])
def test_shapes(options, width, temporal, frames):
    model = build(**options, temporal=temporal)
    inputs = sequences(2, 3, 6)
    assert model.features(inputs[:, 0]).shape == (2, 6, width)
    assert model(inputs).shape == (2, 3, 8, frames, 1)


@pytest.mark.parametrize('wrong', [dict(poses='centered'), dict(translation='path'),
                                   dict(temporal='mean')])
def test_unknown_options_are_refused(wrong):
    with pytest.raises(ValueError, match='must be'):
        build(**wrong)


def test_a_frozen_encoder_stays_as_it_is():
    model = build(encoder=ENCODER)
    model.train()
    assert model.training and model.rnn.training and not model.encoder.training
    before = {key: value.clone() for key, value in model.encoder.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 1.)
    model(sequences(4, 1, 6)).square().sum().backward()
    optimizer.step()
    assert all(parameter.grad is None for parameter in model.encoder.parameters())
    assert model.rnn.weight_ih_l0.grad.abs().max() > 0
    for key, value in model.encoder.state_dict().items():
        assert torch.equal(value, before[key])


def test_fine_tuning_moves_the_encoder():
    model = build(encoder=ENCODER, frozen=False)
    model(sequences(4, 1, 6)).square().sum().backward()
    assert model.encoder.pose_layer.weight.grad.abs().max() > 0


def test_relative_translation_depends_neither_on_the_view_nor_on_the_start():
    model = build(translation='relative')
    root = sequences(3, 9)[..., 0, :]
    features = model._translation_features(root)
    other = rotate(root, yaw(77)) + torch.tensor([900., -300., 50.])
    torch.testing.assert_close(model._translation_features(other), features, rtol=0, atol=1e-4)
    assert features[:, 0].abs().max() == 0
    step = (root[:, 1:] - root[:, :-1])[..., [0, 2]].norm(dim=-1) / 1000
    torch.testing.assert_close(features[:, 1:, 2], step)
    torch.testing.assert_close(features[..., 0], (root - root[:, :1])[..., 1] / 1000)


def test_root_translation_turns_with_the_view():
    model = build(translation='root')
    root = sequences(3, 9)[..., 0, :]
    turned = model._translation_features(rotate(root, yaw(50)))
    torch.testing.assert_close(turned, rotate(model._translation_features(root), yaw(50)))


def test_the_baselines():
    inputs = sequences(2, 5)
    raw = build(poses='raw', translation=None, normalise=False)
    torch.testing.assert_close(raw.features(inputs), inputs.flatten(-2) / 1000)
    normalised = build(poses='normalised', translation=None, normalise=False)
    features = normalised.features(inputs).unflatten(-1, (17, 3))
    assert features.mean(-2).abs().max() < 1e-5
    torch.testing.assert_close(features.std((-2, -1)), torch.ones(2, 5))
    torch.testing.assert_close(normalised.features(2 * inputs + 500), features.flatten(-2))
    centred = build(translation=None, normalise=False).features(inputs)
    torch.testing.assert_close(centred, (inputs - inputs[..., :1, :]).flatten(-2) / 1000)


def test_the_encoder_sees_one_frame_at_a_time():
    model = build(encoder=ENCODER, translation=None, normalise=False)
    inputs = sequences(2, 5)
    frame = inputs[1, 3] - inputs[1, 3, :1]
    expected = model.encoder(frame[None]).view_invariant.flatten()
    torch.testing.assert_close(model.features(inputs)[1, 3], expected)


def test_channels_are_normalised_by_running_statistics():
    model = build(translation=None).train()
    features = model.features(sequences(16, 7))
    assert features.mean((0, 1)).abs().max() < 1e-4
    model.eval()
    alone = sequences(1, 7)
    assert not torch.allclose(model.features(alone), model.train().features(alone))


# Several people


@pytest.mark.parametrize('encoder', [None, ENCODER])
@pytest.mark.parametrize('temporal', ['all', 'last'])
def test_absent_people_change_nothing(encoder, temporal):
    model = build(encoder=encoder, temporal=temporal)
    inputs = sequences(3, 2, 6)
    inputs[1, 1] = 0  # the second sample has one person
    model.train()
    people = model(inputs)
    statistics = {key: value.clone() for key, value in model.norm.state_dict().items()}
    model = build(encoder=encoder, temporal=temporal).train()
    present = torch.cat([inputs[0], inputs[1, :1], inputs[2]])
    alone = model(present[:, None])[:, 0]
    torch.testing.assert_close(people.flatten(0, 1)[[0, 1, 2, 4, 5]], alone)
    torch.testing.assert_close(people[1].mean(0), alone[2])
    for key, value in model.norm.state_dict().items():
        torch.testing.assert_close(statistics[key], value)


def test_more_absent_people_do_not_count_either():
    model = build().eval()
    inputs = sequences(2, 3, 6)
    inputs[0, 1:] = 0
    inputs[1, 2] = 0
    out = model(inputs).mean(1)
    torch.testing.assert_close(out[0], model(inputs[:1, :1])[0, 0])
    torch.testing.assert_close(out[1], model(inputs[1:, :2])[0].mean(0))


# In mmaction2


@pytest.mark.parametrize('people', [1, 2])
def test_it_is_the_backbone_of_a_recognizer(people, tmp_path):
    torch.manual_seed(3)
    pretrained = SiameseAutoEncoder(ENCODER, dict(
        type='SeBiReNetDecoder', hidden_channels=5, feature_channels=4, channels=(4, 6)))
    torch.save(dict(state_dict=pretrained.state_dict()), tmp_path / 'a.pth')
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'a.pth'), prefix='encoder.')
    model = MODELS.build(dict(
        type='mmaction.RecognizerGCN',
        data_preprocessor=dict(type='mmviewpose.ActionBatchPreprocessor'),
        backbone=dict(type='mmviewpose.PoseSequenceEncoder', hidden_channels=8,
                      encoder=dict(ENCODER, type='mmviewpose.SeBiReNetEncoder',
                                   init_cfg=init_cfg)),
        cls_head=dict(type='mmaction.GCNHead', num_classes=3, in_channels=8)))
    model.init_weights()
    for key, value in model.backbone.encoder.state_dict().items():
        assert torch.equal(value, pretrained.encoder.state_dict()[key])
    inputs = sequences(4, people, 6)[:, None]
    if people == 2:
        inputs[1, :, 1] = 0
    data = dict(inputs=inputs, data_samples=dict(label=torch.tensor([0, 1, 2, 0]),
                                                 index=torch.arange(4), subject=torch.ones(4)))
    losses = model(**model.data_preprocessor(data, True), mode='loss')
    assert losses['loss_cls'].isfinite()
    predictions = model.eval()(**model.data_preprocessor(data), mode='predict')
    assert [sample.metainfo['index'] for sample in predictions] == [0, 1, 2, 3]
    score = getattr(predictions[0], 'pred_score', None)
    score = predictions[0].pred_scores.item if score is None else score
    assert score.shape == (3,) and score.sum().item() == pytest.approx(1, abs=1e-4)


def test_stored_features_give_what_the_frozen_encoder_gives():
    with_encoder = build(encoder=ENCODER)
    stored = build(feature_channels=4)
    for part in ('rnn', 'norm'):
        getattr(stored, part).load_state_dict(getattr(with_encoder, part).state_dict())
    inputs = sequences(3, 2, 6)
    inputs[1, 1] = 0  # nobody
    poses = inputs - inputs[..., :1, :]
    code = with_encoder.encoder(poses.reshape(-1, 17, 3)).view_invariant
    encoded = torch.cat([inputs, code.reshape(3, 2, 6, 17, 4)], -1)
    torch.testing.assert_close(stored.eval()(encoded), with_encoder.eval()(inputs))
    with pytest.raises(ValueError, match='not both'):
        build(encoder=ENCODER, feature_channels=4)
