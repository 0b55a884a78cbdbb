import pytest
import torch
from mmengine.evaluator import Evaluator

from mmviewpose.datasets.transforms import EncodeImages, PackFrames
from mmviewpose.errors import UserError
from mmviewpose.layers.view_autoencoder import PoseImageEncoder
from mmviewpose.models import ImageSequenceEncoder, PoseImageBackbone
from mmviewpose.registry import METRICS, MODELS

SIDE, POINTS = 16, 5
NETWORK = dict(type='PoseImageEncoder', image_size=SIDE, num_points=POINTS, width=4, hidden=(16, ))
ENCODER = dict(type='PoseImageBackbone', network=NETWORK)


def build(**options):
    torch.manual_seed(0)
    return ImageSequenceEncoder(**{**dict(hidden_channels=8), **options})


def films(*shape, seed=1):
    """Images ``(*shape, 3, SIDE, SIDE)`` uint8."""
    return torch.randint(256, (*shape, 3, SIDE, SIDE), dtype=torch.uint8,
                         generator=torch.Generator().manual_seed(seed))


def trained_statistics(model):
    """Give batch normalisation in an encoder something to remember."""
    model.train()
    with torch.no_grad():
        for seed in range(5):
            model(films(8, seed=seed).float() / 255)
    return model.eval()


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(3)
    network = trained_statistics(PoseImageEncoder(SIDE, POINTS, 4, (16, )))
    path = str(tmp_path / 'autoencoder.pth')
    weights = {f'pose_encoder.{key}': value for key, value in network.state_dict().items()}
    torch.save(dict(state_dict={**weights, 'decoder.dense.1.bias': torch.zeros(3)}), path)
    return network, path


def pretrained(path, prefix='pose_encoder.'):
    return dict(ENCODER, init_cfg=dict(type='Pretrained', checkpoint=path, prefix=prefix))


# ---------------------------------------------------------------------------------------
# The encoder as a backbone


def test_the_backbone_is_its_network():
    torch.manual_seed(0)
    backbone = PoseImageBackbone(NETWORK).eval()
    images = films(7)
    poses = backbone(images)
    assert backbone.out_channels == 3 * POINTS and poses.shape == (7, 3 * POINTS)
    torch.testing.assert_close(poses, backbone.network(images.float() / 255).flatten(1))
    torch.testing.assert_close(poses, backbone(images.float() / 255))


def test_weights_of_an_auto_encoder(checkpoint):
    network, path = checkpoint
    backbone = PoseImageBackbone(**{key: value for key, value in pretrained(path).items()
                                    if key != 'type'})
    backbone.init_weights()
    for key, value in backbone.network.state_dict().items():
        assert torch.equal(value, network.state_dict()[key]), key
    for wrong, message in ((pretrained(path, 'encoder.'), 'missing'),
                           (pretrained(path + 'x'), 'checkpoint not found'),
                           (dict(pretrained(path), network=dict(NETWORK, num_points=6)),
                            'of another shape')):
        with pytest.raises(UserError, match=message):
            MODELS.build(wrong).init_weights()


# ---------------------------------------------------------------------------------------
# Sequences


@pytest.mark.parametrize('options, width', [
    (dict(), 16), (dict(bidirectional=False), 8), (dict(cell='lstm'), 16),
    (dict(num_layers=1, normalise=True), 16), (dict(hidden_channels=3, dropout=.5), 6)])
@pytest.mark.parametrize('source', [dict(encoder=ENCODER), dict(in_channels=6)])
def test_shapes(options, width, source):
    model = build(**options, **source)
    inputs = torch.randn(2, 1, 7, 6) if 'in_channels' in source else films(2, 1, 7)
    assert model.out_channels == width
    assert model(inputs).shape == (2, 1, width, 7, 1)


def test_the_papers_recurrent_network():
    model = ImageSequenceEncoder(in_channels=210)
    assert isinstance(model.rnn, torch.nn.GRU)
    assert (model.rnn.input_size, model.rnn.hidden_size, model.rnn.num_layers) == (210, 512, 2)
    assert model.rnn.bidirectional and model.rnn.batch_first and model.norm is None
    assert isinstance(build(in_channels=4, cell='lstm').rnn, torch.nn.LSTM)


@pytest.mark.parametrize('cell', ['gru', 'lstm'])
def test_against_one_frame_and_one_sequence_at_a_time(cell):
    model = build(encoder=ENCODER, cell=cell).eval()
    inputs = films(3, 1, 5)
    found = model(inputs)
    for n in range(3):
        poses = torch.stack([model.encoder(inputs[n, 0, t][None])[0] for t in range(5)])
        expected = model.rnn(poses[None])[0][0]  # (T, C)
        torch.testing.assert_close(found[n, 0, :, :, 0], expected.T)


def test_a_one_way_network_does_not_look_ahead():
    inputs = torch.randn(2, 1, 6, 4)
    later = inputs.clone()
    later[:, :, 4:] += 1
    for both_ways in (False, True):
        model = build(in_channels=4, bidirectional=both_ways)
        change = (model(later) - model(inputs)).abs().amax((0, 1, 2, 4))
        assert (change[4:] > 0).all() and bool((change[:4] > 0).any()) == both_ways


def test_channels_are_normalised_by_running_statistics():
    model = build(in_channels=4, normalise=True).train()
    seen = []
    model.rnn.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    inputs = 5 + 3 * torch.randn(16, 1, 9, 4)
    for _ in range(80):
        model(inputs)
    assert seen[0].mean((0, 1)).abs().max() < 1e-5
    torch.testing.assert_close(seen[0].std((0, 1), unbiased=False), torch.ones(4), atol=1e-4,
                               rtol=0)
    model.eval()(inputs[:1])
    torch.testing.assert_close(seen[-1], seen[0][:1], atol=.02, rtol=0)
    assert not [weight for name, weight in model.named_parameters() if name.startswith('norm')]


# ---------------------------------------------------------------------------------------
# Frozen, fine-tuned, stored


def step(model, inputs):
    before = {key: value.clone() for key, value in model.encoder.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], .1)
    model(inputs).square().sum().backward()
    optimizer.step()
    return {key for key, value in model.encoder.state_dict().items()
            if not torch.equal(value, before[key])}


def test_a_frozen_encoder_stays_as_it_is():
    model = build(encoder=ENCODER, frozen=True)
    model.train()
    assert model.training and model.rnn.training
    assert not any(module.training for module in model.encoder.modules())
    assert step(model, films(4, 1, 3)) == set()
    assert all(weight.grad is None and not weight.requires_grad
               for weight in model.encoder.parameters())
    assert model.rnn.weight_ih_l0.grad.abs().max() > 0
    seen = []
    model.encoder.register_forward_hook(lambda *args: seen.append(args[2]))
    model(films(4, 1, 3))
    assert not seen[0].requires_grad, 'nothing is kept for a gradient'
    model.eval()
    assert not model.rnn.training


def test_fine_tuning_moves_the_encoder_and_its_statistics():
    model = build(encoder=ENCODER, frozen=False).train()
    assert model.encoder.training
    changed = step(model, films(4, 1, 3))
    assert {'network.layers.0.weight', 'network.layers.1.running_mean'} <= changed
    assert any(key.endswith('weight') and 'layers.2' in key for key in changed)
    with torch.no_grad():
        assert not model(films(4, 1, 3)).requires_grad


def test_stored_poses_give_what_the_encoder_in_the_loop_gives(checkpoint, monkeypatch):
    network, path = checkpoint
    monkeypatch.setattr('mmviewpose.datasets.transforms.frames.CHUNK', 4)
    with_encoder = build(encoder=pretrained(path), normalise=True)
    with_encoder.init_weights()
    stored = build(in_channels=3 * POINTS, normalise=True)
    stored.load_state_dict({key: value for key, value in with_encoder.state_dict().items()
                            if not key.startswith('encoder')})
    frames = films(3, 5)
    poses = EncodeImages(pretrained(path))(dict(frames=frames))['frames']
    assert poses.shape == (3, 5, 3 * POINTS) and not poses.requires_grad
    torch.testing.assert_close(
        poses.flatten(0, 1), network(frames.flatten(0, 1).float() / 255).flatten(1))
    for training in (True, False):
        torch.testing.assert_close(stored.train(training)(poses[:, None]),
                                   with_encoder.train(training)(frames[:, None]))


def test_a_missing_checkpoint_is_named_before_anything_is_read(checkpoint):
    EncodeImages.check_files(dict(encoder=pretrained(checkpoint[1])))
    EncodeImages.check_files(dict(encoder=ENCODER))
    with pytest.raises(UserError, match='nowhere.pth; train one, e.g. with .*/uvi_mocap'):
        EncodeImages.check_files(dict(encoder=pretrained('nowhere.pth')))
    with pytest.raises(UserError, match='train it with configs/viewpose/uvi_synthetic.py'):
        EncodeImages.check_files(dict(encoder=pretrained('somewhere/uvi_synthetic/epoch_2.pth')))


@pytest.mark.parametrize('wrong, message', [
    (dict(in_channels=4, cell='rnn'), "must be one of .*got 'rnn'"),
    (dict(), 'give an encoder, or the channels'),
    (dict(encoder=ENCODER, in_channels=15), 'give an encoder, or the channels')])
def test_unknown_options_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        build(**wrong)


# ---------------------------------------------------------------------------------------
# In mmaction2


def recognizer(backbone, classes=3):
    torch.manual_seed(0)
    return MODELS.build(dict(
        type='mmaction.RecognizerGCN',
        data_preprocessor=dict(type='mmviewpose.ActionBatchPreprocessor'),
        backbone=dict(type='mmviewpose.ImageSequenceEncoder', hidden_channels=8, **backbone),
        cls_head=dict(type='mmaction.GCNHead', num_classes=classes, in_channels=16,
                      average_clips='score')))


def packed(frames, label):
    return PackFrames(('sequence', 'action'))(dict(
        frames=frames, label=torch.tensor(label), index=torch.arange(len(frames)),
        sequence=torch.arange(len(frames)) // 2, action=torch.tensor(label) % 2,
        part=torch.zeros(len(frames))))


@pytest.mark.parametrize('stored', [False, True])
def test_it_is_the_backbone_of_a_recognizer(stored, checkpoint):
    network, path = checkpoint
    encoder = pretrained(path)
    encoder.update(type='mmviewpose.PoseImageBackbone',
                   network=dict(NETWORK, type='mmviewpose.PoseImageEncoder'))
    model = recognizer(dict(in_channels=15) if stored else dict(encoder=encoder))
    model.init_weights()
    frames = films(4, 6)
    if stored:
        frames = EncodeImages(pretrained(path))(dict(frames=frames))['frames']
    else:
        for key, value in model.backbone.encoder.network.state_dict().items():
            assert torch.equal(value, network.state_dict()[key])
    data = packed(frames, [0, 1, 2, 2])
    assert data['inputs'].shape == (4, 1, 1, *frames.shape[1:])
    assert set(data['data_samples']) == {'label', 'index', 'sequence', 'action'}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], .1)
    losses = model.train()(**model.data_preprocessor(data, True), mode='loss')
    losses['loss_cls'].backward()
    optimizer.step()
    after = model(**model.data_preprocessor(data, True), mode='loss')
    assert after['loss_cls'] < losses['loss_cls']
    with torch.no_grad():
        predictions = model.eval()(**model.data_preprocessor(data), mode='predict')
    assert [sample.metainfo['index'] for sample in predictions] == [0, 1, 2, 3]
    # and what it predicts is what the metric of movement scores reads
    evaluator = Evaluator(METRICS.build(dict(type='RankCorrelation', group_by='action')))
    evaluator.process(predictions)
    found = evaluator.evaluate(4)
    assert set(found) == {'rho', 'rho/0', 'rho/1'}
    assert all(-1 <= value <= 1 for value in found.values())


def test_a_recognizer_learns_what_frames_show():
    """Bright at the end or at the start: only a sequence tells."""
    model = recognizer(dict(encoder=ENCODER, frozen=False, normalise=True), classes=2)
    frames = films(8, 4) // 8
    label = [0, 1] * 4
    for n, kind in enumerate(label):
        frames[n, 2 * kind:2 * kind + 2] += 160
    data = packed(frames, label)
    optimizer = torch.optim.Adam(model.parameters(), .01)
    for _ in range(25):
        loss = model.train()(**model.data_preprocessor(data, True), mode='loss')['loss_cls']
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < .2
