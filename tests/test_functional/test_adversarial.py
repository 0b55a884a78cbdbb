import pytest
import torch

from mmviewpose.functional import least_squares_critic_loss, least_squares_generator_loss


@pytest.fixture
def scores():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 7, generator=generator, dtype=torch.float64).unbind()


def test_written_out(scores):
    real, fake = scores
    expected = sum((0.5 * (r - 1) ** 2 + 0.5 * f ** 2) / 7 for r, f in zip(real, fake))
    torch.testing.assert_close(least_squares_critic_loss(real, fake), expected)
    torch.testing.assert_close(least_squares_generator_loss(fake),
                               sum(0.5 * (f - 1) ** 2 / 7 for f in fake))


def test_swapped_labels(scores):
    real, fake = scores
    whole = least_squares_critic_loss(real, fake, torch.tensor([True]))
    torch.testing.assert_close(whole, least_squares_critic_loss(fake, real))
    torch.testing.assert_close(least_squares_critic_loss(real, fake, torch.tensor([False])),
                               least_squares_critic_loss(real, fake))
    swapped = torch.tensor([True, False, True, True, False, False, True])
    expected = sum((0.5 * (r - 1 + s) ** 2 + 0.5 * (f - s) ** 2) / 7
                   for r, f, s in zip(real, fake, swapped.double()))
    torch.testing.assert_close(least_squares_critic_loss(real, fake, swapped), expected)


def test_gradients(scores):
    real, fake = (score.requires_grad_() for score in scores)
    swapped = torch.tensor([True, False, False, True, False, False, True])
    assert torch.autograd.gradcheck(least_squares_critic_loss, (real, fake, swapped))
    assert torch.autograd.gradcheck(least_squares_generator_loss, (fake, ))
