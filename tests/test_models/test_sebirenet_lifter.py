import pytest
import torch

from mmviewpose.models import SeBiReNetLifter, SiameseAutoEncoder

ENCODER = dict(type='SeBiReNetEncoder', hidden_channels=6, feature_channels=4)
DECODER = dict(type='SeBiReNetDecoder', hidden_channels=5, feature_channels=4, channels=(4, 6))
PARTS = dict(encoder_2d=dict(ENCODER, in_channels=2), encoder_3d=ENCODER, decoder=DECODER)


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(5)
    model = SiameseAutoEncoder(ENCODER, DECODER)
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'epoch_1.pth')
    return str(tmp_path / 'epoch_1.pth')


@pytest.fixture
def batch():
    torch.manual_seed(1)
    target = 300 * torch.randn(5, 17, 3)
    return target[..., :2].clone(), dict(target=target, index=torch.arange(5))


def pretrained(checkpoint, **options):
    model = SeBiReNetLifter(**PARTS, **options, init_cfg=dict(
        type='Pretrained', checkpoint=checkpoint))
    model.init_weights()
    return model


def gradients(model, batch):
    loss, _ = model.parse_losses(model(*batch, mode='loss'))
    loss.backward()
    return {name for name, parameter in model.named_parameters() if parameter.grad is not None
            and parameter.grad.abs().max() > 0}


def test_from_scratch_all_parameters_learn(batch):
    model = SeBiReNetLifter(**PARTS)
    model.init_weights()
    # in the only pass the first subnet's state is zero, its output replaced by the second's
    idle = ('tree.up.weight_h', 'tree.up.weight_o', 'tree.up.bias_o')
    expected = {name for name, _ in model.named_parameters() if not name.endswith(idle)}
    assert gradients(model, batch) == expected
    losses = model(*batch, mode='loss')
    assert {'loss_lifted_jointposition', 'loss_lifted_bonelength', 'loss_lifted_limbsymmetry',
            'loss_view_invariant', 'loss_view', 'loss_stream_jointposition'} <= set(losses)


def test_the_3d_stream_comes_from_the_auto_encoder(checkpoint):
    weights = torch.load(checkpoint, weights_only=True)['state_dict']
    model = pretrained(checkpoint)
    for prefix, part in (('encoder.', model.encoder_3d), ('decoder.', model.decoder)):
        for key, value in part.state_dict().items():
            assert torch.equal(value, weights[prefix + key])


def test_another_models_checkpoint_is_refused(tmp_path, checkpoint):
    other = {key: value for key, value in torch.load(checkpoint, weights_only=True)[
        'state_dict'].items() if 'decoder.output' not in key}
    torch.save(other, tmp_path / 'other.pth')
    with pytest.raises(RuntimeError, match='SeBiReNetDecoder.*2 missing'):
        pretrained(str(tmp_path / 'other.pth'))


def test_a_frozen_stream_stays(checkpoint, batch):
    model = pretrained(checkpoint, frozen=True)
    model.train()
    assert model.encoder_2d.training
    assert not model.encoder_3d.training and not model.decoder.training
    assert all(name.startswith('encoder_2d.') for name in gradients(model, batch))
    assert not any('stream' in key for key in model(*batch, mode='loss'))
    with pytest.raises(ValueError, match='checkpoint'):
        SeBiReNetLifter(**PARTS, frozen=True)


def test_the_pull_towards_the_3d_code_does_not_move_the_3d_code(batch):
    model = SeBiReNetLifter(**PARTS)
    losses = model(*batch, mode='loss')
    (losses['loss_view_invariant'] + losses['loss_view']).backward()
    assert all(parameter.grad is None for parameter in model.encoder_3d.parameters())
    assert model.encoder_2d.view_layer.weight.grad.abs().max() > 0


def test_the_weights_of_the_terms(batch):
    torch.manual_seed(0)
    one = SeBiReNetLifter(**PARTS)
    two = SeBiReNetLifter(**PARTS, representation=3., reconstruction=.5)
    two.load_state_dict(one.state_dict())
    first, second = one(*batch, mode='loss'), two(*batch, mode='loss')
    for key, value in first.items():
        factor = .5 if 'stream' in key else 3. if 'view' in key else 1.
        torch.testing.assert_close(second[key], factor * value)


def test_prediction_is_the_decoded_2d_code(batch):
    model = SeBiReNetLifter(**PARTS).eval()
    prediction, = model(*batch, mode='predict')
    assert prediction['keypoints'].shape == (5, 17, 3)
    assert torch.equal(prediction['keypoints'], model.decoder(model(batch[0]).couple()))
    assert torch.equal(prediction['target'], batch[1]['target'])
    with pytest.raises(ValueError, match='mode'):
        model(*batch, mode='other')
