import pytest
import torch

pytest.importorskip('mmengine')

from mmviewpose import functional  # noqa: E402
from mmviewpose.registry import MODELS  # noqa: E402


def numbers(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def build(name, **options):
    return MODELS.build(dict(type=name, **options))


@pytest.mark.parametrize('weight', [None, torch.rand(5)])
@pytest.mark.parametrize('options', [{}, dict(loss_weight=0.5), dict(reduction='sum')])
@pytest.mark.parametrize('name, function, default, shapes', [
    ('ReprojectionCycleLoss', functional.reprojection_cycle_loss, 10, [(4, 5, 2)] * 2),
    ('QuarterTurnLoss', functional.quarter_turn_loss, 3, [(3, 4, 5)]),
])
def test_cycle_losses_hold_a_weight_and_call_their_function(name, function, default, shapes,
                                                            options, weight):
    tensors = [numbers(*shape) + number for number, shape in enumerate(shapes)]
    expected = function(*tensors, weight, options.get('reduction', 'mean'))
    torch.testing.assert_close(build(name, **options)(*tensors, weight),
                               options.get('loss_weight', default) * expected)


def test_the_generators_loss():
    fake = numbers(6)
    torch.testing.assert_close(build('LeastSquaresAdversarialLoss', loss_weight=0.3)(fake),
                               0.3 * functional.least_squares_generator_loss(fake))


@pytest.mark.parametrize('swap, prob, expected', [
    ('batch', 0., [0]), ('batch', 1., [6]), ('batch', 0.5, [0, 6]), ('pose', 0.5, range(7)),
])
def test_the_critics_loss_and_how_often_labels_are_swapped(swap, prob, expected):
    torch.manual_seed(0)
    loss = build('LeastSquaresAdversarialLoss', loss_weight=7., swap_prob=prob, swap=swap)
    real, fake = torch.ones(6), torch.zeros(6)  # costs nothing but where swapped, 1/6 a pose
    counts = [round(6 * loss.critic(real, fake).item()) for _ in range(400)]
    assert set(counts) == set(expected)
    assert sum(counts) / 2400 == pytest.approx(prob, abs=0.08)
    real, fake = numbers(2, 6)
    if prob == 0:
        torch.testing.assert_close(loss.critic(real, fake),
                                   functional.least_squares_critic_loss(real, fake))


@pytest.mark.parametrize('options, message', [
    (dict(swap='joint'), "swap must be 'batch' or 'pose', got 'joint'"),
    (dict(swap_prob=1.1), 'swap_prob must be from 0 to 1'),
    (dict(swap_prob=-.1), 'swap_prob must be from 0 to 1'),
])
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        build('LeastSquaresAdversarialLoss', **options)
